import { beforeAll, describe, expect, test } from "vitest";
import { evaluate } from "./evaluate.ts";

/** Values that nixpkgs' own lib gives for the same expressions. */
const functions: readonly (readonly [expression: string, value: unknown])[] = [
  ['lib.attrByPath [ "a" "c" ] 3 { a.b = 5; }', 3],
  ['lib.hasAttrByPath [ "a" "b" "c" ] { a.b = 5; }', false],
  ["lib.recursiveUpdate { a.b = 1; a.c = 2; } { a.b = 3; }", { a: { b: 3, c: 2 } }],
  [
    "lib.foldAttrs (x: sum: [ x ] ++ sum) [ ] [ { a = 2; b = 7; } { a = 3; } ]",
    { a: [2, 3], b: [7] },
  ],
  [
    "lib.cartesianProduct { a = [ 1 2 ]; b = [ 3 ]; }",
    [
      { a: 1, b: 3 },
      { a: 2, b: 3 },
    ],
  ],
  [
    'lib.mapAttrsRecursive (path: v: lib.concatStringsSep "-" (path ++ [ v ])) { n.a = "A"; }',
    { n: { a: "n-a-A" } },
  ],
  [
    'lib.updateManyAttrsByPath [ { path = [ "a" "b" ]; update = old: old + 1; } ] { a.b = 1; }',
    { a: { b: 2 } },
  ],
  [
    'lib.toposort lib.hasPrefix [ "/home/user" "other" "/" "/home" ]',
    { result: ["/", "/home", "/home/user", "other"] },
  ],
  ['lib.toposort lib.hasPrefix [ "/home" "/" "/" ]', { cycle: ["/home", "/", "/"], loops: ["/"] }],
  ['lib.naturalSort [ "disk11" "disk8" "disk100" ]', ["disk8", "disk11", "disk100"]],
  ['lib.splitString "." "a.b.c"', ["a", "b", "c"]],
  ['lib.escapeShellArg "it\'s"', "'it'\\''s'"],
  ['lib.escapeNixIdentifier "if"', '"if"'],
  ['lib.toInt " -12 "', -12],
  ['lib.toIntBase10 "0024"', 24],
  ['lib.versionOlder "1.9" "1.10"', true],
  ['lib.sanitizeDerivationName "..a b"', "a-b"],
  ['lib.levenshtein "kitten" "sitting"', 3],
  ['lib.generators.toINI { } { s = { a = true; b = "x"; }; }', "[s]\na=true\nb=x\n"],
  ['lib.generators.toPretty { } { a = [ 1 "x" ]; }', '{\n  a = [\n    1\n    "x"\n  ];\n}'],
  [
    'lib.cli.toGNUCommandLine { } { X = "PUT"; retry = 3; silent = false; }',
    ["-X", "PUT", "--retry", "3"],
  ],
  [
    'lib.textClosureMap lib.id { a = lib.stringAfter [ "b" ] "A"; b = lib.noDepEntry "B"; } [ "a" ]',
    "B\nA",
  ],
  [
    "(lib.callPackageWith { a = 1; } ({ a, b ? 2 }: { sum = a + b; }) { }).override { b = 5; } ? sum",
    true,
  ],
  [
    "(lib.types.attrsOf (lib.types.nullOr lib.types.int)).description",
    "attribute set of (null or signed integer)",
  ],
];

const option = (type: string): string =>
  `{ options.o = lib.mkOption { type = with lib.types; ${type}; }; }`;
const value = (type: string, ...definitions: readonly string[]): string =>
  `(lib.evalModules { modules = [ (${option(type)}) ${definitions.map((d) => `{ o = ${d}; }`).join(" ")} ]; }).config.o`;

const modules: readonly (readonly [title: string, expression: string, value: unknown])[] = [
  [
    "lists of several modules are joined, the first named last",
    value("listOf int", "[ 1 ]", "[ 2 ]"),
    [2, 1],
  ],
  [
    "mkBefore and mkAfter order lines",
    value("lines", '"b"', 'lib.mkAfter "c"', 'lib.mkBefore "a"'),
    "a\nb\nc",
  ],
  [
    "mkForce wins over a plain definition, and that over mkDefault",
    value("int", "lib.mkDefault 1", "2", "lib.mkForce 3"),
    3,
  ],
  ["mkVMOverride wins over mkForce", value("int", "lib.mkVMOverride 4", "lib.mkForce 3"), 4],
  ["a definition under a false mkIf does not count", value("nullOr int", "lib.mkIf false 1"), null],
  [
    "mkMerge stands for several definitions",
    value("listOf int", "lib.mkMerge [ [ 1 ] (lib.mkIf true [ 2 ]) ]"),
    [1, 2],
  ],
  [
    "an attribute under a false mkIf is absent",
    value("attrsOf int", "{ a = lib.mkIf false 1; b = 2; }"),
    { b: 2 },
  ],
  ["coercedTo converts", value("coercedTo int toString str", "5"), "5"],
  ["either takes both types", value("listOf (either int str)", '[ 1 "a" ]'), [1, "a"]],
  [
    "a submodule knows its name and its defaults",
    value(
      "attrsOf (submodule ({ name, ... }: { options.n = lib.mkOption { default = name; }; }))",
      "{ a = { }; }",
    ),
    { a: { n: "a" } },
  ],
  [
    "a freeform type takes what is not declared",
    value(
      "submodule { freeformType = attrsOf int; options.x = lib.mkOption { default = 1; }; }",
      "{ y = 2; }",
    ),
    { x: 1, y: 2 },
  ],
  [
    "two declarations of a submodule add up",
    `(lib.evalModules { modules = [
      ${option("submodule { options.a = lib.mkOption { default = 1; }; }")}
      ${option("submodule { options.b = lib.mkOption { default = 2; }; }")}
      { o = { }; }
    ]; }).config.o`,
    { a: 1, b: 2 },
  ],
  [
    "a renamed option passes value and priority on",
    `(lib.evalModules { modules = [
      (lib.mkRenamedOptionModule [ "old" ] [ "o" ]) (${option("int")})
      { options.warnings = lib.mkOption { default = [ ]; }; }
      { old = lib.mkForce 8; o = 9; }
    ]; }).config.o`,
    8,
  ],
  [
    "extendModules evaluates again with more modules",
    `((lib.evalModules { modules = [ (${option("int")}) { o = lib.mkDefault 1; } ]; }).extendModules { modules = [ { o = 2; } ]; }).config.o`,
    2,
  ],
  [
    "disabledModules leaves a module out",
    `(lib.evalModules { modules = [ (${option("listOf int")}) { disabledModules = [ { key = "k"; } ]; imports = [ { key = "k"; o = [ 1 ]; } { o = [ 2 ]; } ]; } ]; }).config.o`,
    [2],
  ],
  [
    "an option knows whether and where it is defined",
    `let o = (lib.evalModules { modules = [ (${option("int")}) { _file = "f.nix"; o = lib.mkForce 1; } ]; }).options.o; in [ o.isDefined o.files o.highestPrio ]`,
    [true, ["f.nix"], 50],
  ],
];

let values: readonly unknown[] = [];
beforeAll(async () => {
  values = await evaluate([
    ...functions.map(([expression]) => expression),
    ...modules.map(([, expression]) => expression),
  ]);
});

describe("lib gives what nixpkgs gives", () => {
  test.each(functions.map(([expression, expected], index) => ({ expression, expected, index })))(
    "$expression",
    ({ expected, index }) => {
      expect(values[index]).toEqual(expected);
    },
  );
});

describe("the module system", () => {
  test.each(modules.map(([title, , expected], index) => ({ title, expected, index })))(
    "$title",
    ({ expected, index }) => {
      expect(values[functions.length + index]).toEqual(expected);
    },
  );
});
