# Tracing and small tests.
{ lib }:

rec {
  inherit (builtins) addErrorContext trace unsafeGetAttrPos;
  traceIf = condition: message: value: if condition then builtins.trace message value else value;
  traceValFn = f: value: builtins.trace (f value) value;
  traceVal = traceValFn lib.id;
  traceSeq = shown: value: builtins.trace (builtins.deepSeq shown shown) value;
  traceSeqN = depth: shown: value:
    let
      cut = level: inner:
        if builtins.isList inner then
          (if level == 0 then [ "…" ] else map (cut (level - 1)) inner)
        else if builtins.isAttrs inner then
          (if level == 0 then { "…" = "…"; } else builtins.mapAttrs (_: cut (level - 1)) inner)
        else
          inner;
    in
    traceSeq (lib.generators.toPretty { multiline = false; allowPrettyValues = true; } (cut depth shown)) value;
  traceValSeqFn = f: value: traceValFn f (builtins.deepSeq value value);
  traceValSeq = traceValSeqFn lib.id;
  traceValSeqNFn = f: depth: value: traceSeqN depth (f value) value;
  traceValSeqN = traceValSeqNFn lib.id;
  traceFnSeqN = depth: name: f: value:
    let
      result = f value;
    in
    traceSeqN (depth + 1) { fn = name; from = value; to = result; } result;

  runTests = tests:
    let
      chosen = if tests ? tests then builtins.intersectAttrs (lib.genAttrs tests.tests lib.id) tests else tests;
      isTest = name: lib.hasPrefix "test" name || builtins.elem name (tests.tests or [ ]);
    in
    lib.concatLists (
      lib.mapAttrsToList (
        name: test:
        lib.optional (isTest name && test.expr != test.expected) {
          inherit name;
          inherit (test) expected;
          result = test.expr;
        }
      ) (removeAttrs chosen [ "tests" ])
    );
  testAllTrue = expr: { inherit expr; expected = map (_: true) expr; };
}
