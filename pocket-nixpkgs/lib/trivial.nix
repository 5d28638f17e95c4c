# Functions about values in general: combinators, numbers, versions of the tree, warnings.
{ lib }:

let
  inherit (builtins) isAttrs isFunction;

  hexDigits = [ "0" "1" "2" "3" "4" "5" "6" "7" "8" "9" "A" "B" "C" "D" "E" "F" ];
  hexValue = lib.listToAttrs (
    lib.concatLists (
      lib.imap0 (value: digit: [
        { name = digit; inherit value; }
        { name = lib.toLower digit; inherit value; }
      ]) hexDigits
    )
  );

  # Writes to standard error as `nix` does for its own warnings.
  warning = builtins.warn or (message: value: builtins.trace "warning: ${message}" value);
in
rec {
  inherit (builtins)
    add bitAnd bitOr bitXor ceil compareVersions deepSeq div floor genericClosure lessThan pathExists readFile seq
    sub;

  id = x: x;
  const = x: _: x;
  flip = f: a: b: f b a;
  pipe = builtins.foldl' (value: f: f value);
  concat = a: b: a ++ b;
  mergeAttrs = a: b: a // b;
  mapNullable = f: value: if value == null then null else f value;
  defaultTo = default: value: if value == null then default else value;

  "or" = a: b: a || b;
  and = a: b: a && b;
  xor = a: b: a != b;
  bitNot = builtins.sub (-1);

  boolToString = b: if b then "true" else "false";
  boolToYesNo = b: if b then "yes" else "no";

  mul = a: b: a * b;
  mod = a: b: a - b * (builtins.div a b);
  min = a: b: if a < b then a else b;
  max = a: b: if a > b then a else b;
  compare = a: b: if a < b then -1 else if a > b then 1 else 0;

  splitByAndCompare = predicate: whenBoth: whenNeither: a: b:
    if predicate a then
      (if predicate b then whenBoth a b else -1)
    else if predicate b then
      1
    else
      whenNeither a b;

  toBaseDigits = base: number:
    let
      digits = rest: if rest < base then [ rest ] else digits (rest / base) ++ [ (mod rest base) ];
    in
    assert builtins.isInt base && base >= 2;
    assert builtins.isInt number && number >= 0;
    digits number;

  toHexString = number: lib.concatMapStrings (digit: builtins.elemAt hexDigits digit) (toBaseDigits 16 number);

  fromHexString = text:
    let
      matched = builtins.match "(0x)?([0-7]?[0-9A-Fa-f]{1,15})" text;
    in
    if matched == null then
      throw "lib.fromHexString: ${builtins.toJSON text} is not a hexadecimal number"
    else
      builtins.foldl' (sum: digit: sum * 16 + hexValue.${digit}) 0 (lib.stringToCharacters (builtins.elemAt matched 1));

  isFunction = f: builtins.isFunction f || (f ? __functor && isFunction (f.__functor f));
  inherit (builtins) isBool isFloat isInt;

  functionArgs = f:
    if f ? __functor then f.__functionArgs or (functionArgs (f.__functor f)) else builtins.functionArgs f;

  setFunctionArgs = f: args: {
    __functor = _: f;
    __functionArgs = args;
  };

  mirrorFunctionArgs = model: f:
    let
      args = functionArgs model;
    in
    if args == { } then f else setFunctionArgs f args;

  toFunction = value: if isFunction value then value else _: value;

  importJSON = path: builtins.fromJSON (builtins.readFile path);
  importTOML = path: builtins.fromTOML (builtins.readFile path);

  # The release whose option names and semantics the pocket follows.
  release = lib.fileContents ../.version;
  version = release + versionSuffix;
  versionSuffix = ".pocket";
  codeName = "Pocket";
  nixpkgsVersion = version;
  revisionWithDefault = default: default;
  oldestSupportedRelease = 2505;
  isInOldestRelease = oldestSupportedReleaseIsAtLeast;
  oldestSupportedReleaseIsAtLeast = wanted: wanted <= oldestSupportedRelease;

  inNixShell = builtins.getEnv "IN_NIX_SHELL" != "";
  inPureEvalMode = !(builtins ? currentSystem);

  warn = message: value:
    if lib.elem (builtins.getEnv "NIX_ABORT_ON_WARN") [ "1" "true" "yes" ] then
      builtins.trace "warning: ${message}" (abort "NIX_ABORT_ON_WARN is set, and there was a warning")
    else
      warning message value;
  warnIf = condition: message: if condition then warn message else id;
  warnIfNot = condition: message: if condition then id else warn message;
  info = message: builtins.trace "INFO: ${message}";
  showWarnings = warnings: value: builtins.foldl' (rest: message: warn message rest) value warnings;

  throwIf = condition: message: if condition then throw message else id;
  throwIfNot = condition: message: if condition then id else throw message;

  checkListOfEnum = what: allowed: given: value:
    let
      unexpected = lib.subtractLists allowed given;
    in
    if unexpected == [ ] then
      value
    else
      throw "${what}: ${lib.concatMapStringsSep ", " toString unexpected} unexpected; valid ones: ${
        lib.concatMapStringsSep ", " toString allowed
      }";
}
