# Functions about strings.
{ lib }:

let
  inherit (builtins) elemAt length replaceStrings stringLength substring;

  lower = "abcdefghijklmnopqrstuvwxyz";
  upper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

  asciiTable = import ./ascii.nix;

  # The number in a string that has nothing else but blanks around it, as text.
  matchInt = caller: text:
    let
      matched = builtins.match "[[:space:]]*(-?[0-9]+)[[:space:]]*" text;
    in
    if matched == null then throw "${caller}: Could not convert ${builtins.toJSON text} to int." else matched;
  dropZeros = digits:
    let
      parts = builtins.match "(-?)0*([0-9]+)" digits;
    in
    elemAt parts 0 + elemAt parts 1;
in
rec {
  inherit (builtins)
    compareVersions elem filter fromJSON genList head isAttrs isInt isList isPath isString match parseDrvName readFile
    replaceStrings split stringLength substring tail toJSON typeOf unsafeDiscardStringContext;
  inherit (builtins) storeDir;

  # Building

  concatStrings = builtins.concatStringsSep "";
  concatStringsSep = builtins.concatStringsSep;
  join = builtins.concatStringsSep;
  concatMapStrings = f: list: concatStrings (map f list);
  concatMapStringsSep = separator: f: list: builtins.concatStringsSep separator (map f list);
  concatImapStrings = f: list: concatStrings (lib.imap1 f list);
  concatImapStringsSep = separator: f: list: builtins.concatStringsSep separator (lib.imap1 f list);
  concatMapAttrsStringSep = separator: f: set: builtins.concatStringsSep separator (lib.mapAttrsToList f set);
  concatLines = concatMapStrings (line: line + "\n");
  optionalString = condition: text: if condition then text else "";
  replicate = count: text: concatStrings (lib.replicate count text);
  intersperse = separator: list:
    if list == [ ] || length list == 1 then
      list
    else
      builtins.tail (lib.concatMap (value: [ separator value ]) list);

  makeSearchPath = subdirectory: paths:
    builtins.concatStringsSep ":" (map (path: path + "/" + subdirectory) (builtins.filter (path: path != null) paths));
  makeSearchPathOutput = output: subdirectory: packages: makeSearchPath subdirectory (map (lib.getOutput output) packages);
  makeBinPath = makeSearchPathOutput "bin" "bin";
  makeLibraryPath = packages: makeSearchPath "lib" (map lib.getLib packages);
  makeIncludePath = packages: makeSearchPath "include" (map lib.getInclude packages);

  # Looking

  hasPrefix = prefix: text: substring 0 (stringLength prefix) text == prefix;
  hasSuffix = suffix: text:
    let
      size = stringLength text;
      sizeOfSuffix = stringLength suffix;
    in
    size >= sizeOfSuffix && substring (size - sizeOfSuffix) size text == suffix;
  hasInfix = infix: text: builtins.match ".*${escapeRegex infix}.*" "${text}" != null;

  isStringLike = value: builtins.isString value || builtins.isPath value || value ? outPath || value ? __toString;
  isConvertibleWithToString = value:
    isStringLike value
    || builtins.elem (builtins.typeOf value) [ "null" "int" "float" "bool" ]
    || (builtins.isList value && lib.all isConvertibleWithToString value);
  isValidPosixName = name: builtins.match "[a-zA-Z_][a-zA-Z0-9_]*" name != null;
  # Only the path itself, nothing below it.
  isStorePath = value:
    isStringLike value
    && builtins.match "${escapeRegex builtins.storeDir}/[^/]+" (builtins.unsafeDiscardStringContext (toString value)) != null;

  # Cutting

  stringToCharacters = text: builtins.genList (n: substring n 1 text) (stringLength text);
  stringAsChars = f: text: concatStrings (map f (stringToCharacters text));
  charToInt = character: asciiTable.${character};
  removePrefix = prefix: text: if hasPrefix prefix text then substring (stringLength prefix) (-1) text else text;
  removeSuffix = suffix: text:
    if hasSuffix suffix text then substring 0 (stringLength text - stringLength suffix) text else text;
  splitString = separator: text:
    map (addContextFrom text) (builtins.filter builtins.isString (builtins.split (escapeRegex separator) (toString text)));
  splitStringBy = predicate: keep: text:
    let
      step = state: character:
        if predicate state.last character then
          {
            done = state.done ++ [ state.open ];
            open = if keep then character else "";
            last = character;
          }
        else
          {
            inherit (state) done;
            open = state.open + character;
            last = character;
          };
      end = lib.foldl' step { done = [ ]; open = ""; last = ""; } (stringToCharacters text);
    in
    if text == "" then [ "" ] else end.done ++ [ end.open ];
  trim = trimWith { start = true; end = true; };
  trimWith = { start ? false, end ? false }: text:
    let
      blank = " \t\r\n";
      matched = builtins.match (
        if start && end then
          "[${blank}]*(.*[^${blank}])[${blank}]*"
        else if start then
          "[${blank}]*(.*)"
        else if end then
          "(.*[^${blank}])[${blank}]*"
        else
          "(.*)"
      ) text;
    in
    optionalString (matched != null) (builtins.head matched);
  fileContents = path: removeSuffix "\n" (builtins.readFile path);
  commonPrefixLength = a: b:
    let
      shared = lib.min (stringLength a) (stringLength b);
    in
    lib.findFirst (n: substring n 1 a != substring n 1 b) shared (lib.range 0 (shared - 1));
  commonSuffixLength = a: b:
    let
      reversed = text: concatStrings (lib.reverseList (stringToCharacters text));
    in
    commonPrefixLength (reversed a) (reversed b);

  # Case

  lowerChars = stringToCharacters lower;
  upperChars = stringToCharacters upper;
  toLower = replaceStrings upperChars lowerChars;
  toUpper = replaceStrings lowerChars upperChars;
  toSentenceCase = text: toUpper (substring 0 1 text) + toLower (substring 1 (-1) text);
  toCamelCase = text:
    let
      words = builtins.filter (word: builtins.isString word && word != "") (builtins.split "[ _-]+" text);
      withFirst = change: word: change (substring 0 1 word) + substring 1 (-1) word;
    in
    if words == [ ] then
      ""
    else
      withFirst toLower (builtins.head words) + concatMapStrings (withFirst toUpper) (builtins.tail words);

  # Escaping

  addContextFrom = source: target: substring 0 0 (toString source) + target;
  appendContext = builtins.appendContext;
  escape = characters: replaceStrings characters (map (character: "\\${character}") characters);
  escapeC = characters:
    replaceStrings characters (
      map (character: "\\x${fixedWidthString 2 "0" (toLower (lib.toHexString (charToInt character)))}") characters
    );
  escapeRegex = escape (stringToCharacters "\\[{()^$?*+|.");
  escapeURL =
    let
      plain = stringToCharacters "${upper}${lower}0123456789-_.~";
      special = builtins.attrNames (removeAttrs asciiTable plain);
    in
    replaceStrings special (map (character: "%" + fixedWidthString 2 "0" (lib.toHexString (charToInt character))) special);
  escapeXML = replaceStrings [ "\"" "'" "<" ">" "&" ] [ "&quot;" "&apos;" "&lt;" "&gt;" "&amp;" ];
  escapeShellArg = argument:
    let
      text = toString argument;
    in
    if builtins.match "[[:alnum:],._+:@%/-]+" text == null then "'${replaceStrings [ "'" ] [ "'\\''" ] text}'" else text;
  escapeShellArgs = concatMapStringsSep " " escapeShellArg;
  escapeNixString = text: escape [ "$" ] (builtins.toJSON text);
  escapeNixIdentifier = text:
    let
      keywords = [ "assert" "else" "if" "in" "inherit" "let" "or" "rec" "then" "with" ];
    in
    if builtins.match "[a-zA-Z_][a-zA-Z0-9_'-]*" text != null && !(builtins.elem text keywords) then
      text
    else
      escapeNixString text;
  toShellVar = name: value:
    assert lib.assertMsg (isValidPosixName name) "toShellVar: ${name} is not a valid shell variable name";
    if builtins.isAttrs value && !isStringLike value then
      "declare -A ${name}=(${concatMapAttrsStringSep " " (key: item: "[${escapeShellArg key}]=${escapeShellArg item}") value})"
    else if builtins.isList value then
      "declare -a ${name}=(${escapeShellArgs value})"
    else
      "${name}=${escapeShellArg value}";
  toShellVars = set: builtins.concatStringsSep "\n" (lib.mapAttrsToList toShellVar set);
  replaceString = from: to: replaceStrings [ from ] [ to ];
  sanitizeDerivationName = name:
    let
      text = builtins.unsafeDiscardStringContext (toString name);
      isFine = stringLength text <= 207 && builtins.match "[[:alnum:]+_?=-][[:alnum:]+._?=-]*" text != null;
      afterDots = builtins.head (builtins.match "\\.*(.*)" text);
      cleaned = concatMapStrings (part: if builtins.isList part then "-" else part) (builtins.split "[^[:alnum:]+._?=-]+" afterDots);
      tooLong = stringLength cleaned - 207;
      short = substring (lib.max tooLong 0) (-1) cleaned;
    in
    if isFine then text else if short == "" then "unknown" else short;
  normalizePath = text:
    builtins.foldl' (sum: character: if character == "/" && hasSuffix "/" sum then sum else sum + character) "" (
      stringToCharacters text
    );

  # Numbers

  fixedWidthString = width: filler: text:
    let
      size = stringLength text;
      missing = width - size;
      sizeOfFiller = stringLength filler;
    in
    assert lib.assertMsg (size <= width) "fixedWidthString: requested string length (${toString width}) must not be shorter than actual length (${toString size})";
    if missing == 0 then
      text
    else
      substring 0 missing (replicate (missing / sizeOfFiller + 1) filler) + text;
  fixedWidthNumber = width: number: fixedWidthString width "0" (toString number);
  floatToString = number:
    let
      text = toString number;
      exact = builtins.fromJSON text;
    in
    if number == exact then text else lib.warn "Imprecise conversion from float to string ${text}" text;
  toInt = text:
    let
      matched = matchInt "toInt" text;
      zeroPadded = builtins.match "-?0[0-9]+" (builtins.head matched) != null;
    in
    if zeroPadded then
      throw "toInt: Ambiguity in interpretation of ${escapeNixString text} between octal and zero padded integer."
    else
      builtins.fromJSON (builtins.head matched);
  toIntBase10 = text:
    let
      digits = builtins.head (matchInt "toIntBase10" text);
    in
    builtins.fromJSON (dropZeros digits);

  # Names, versions

  getName = value: if builtins.isString value then (builtins.parseDrvName value).name else value.pname or (builtins.parseDrvName value.name).name;
  getVersion = value:
    if builtins.isString value then (builtins.parseDrvName value).version else value.version or (builtins.parseDrvName value.name).version;
  nameFromURL = url: separator:
    let
      file = lib.last (splitString "/" url);
      name = builtins.head (splitString separator file);
    in
    assert name != file;
    name;
  versionOlder = a: b: builtins.compareVersions b a == 1;
  versionAtLeast = a: b: !versionOlder a b;

  # Flags of build systems

  enableFeature = enable: feature: "--${if enable then "enable" else "disable"}-${feature}";
  enableFeatureAs = enable: feature: value: enableFeature enable feature + optionalString enable "=${value}";
  withFeature = enable: feature: "--${if enable then "with" else "without"}-${feature}";
  withFeatureAs = enable: feature: value: withFeature enable feature + optionalString enable "=${value}";
  cmakeOptionType = type: feature: value:
    assert builtins.elem (toUpper type) [ "BOOL" "FILEPATH" "PATH" "STRING" "INTERNAL" "LIST" ];
    "-D${feature}:${toUpper type}=${value}";
  cmakeBool = feature: value: cmakeOptionType "bool" feature (toUpper (lib.boolToString value));
  cmakeFeature = cmakeOptionType "string";
  mesonOption = feature: value: "-D${feature}=${value}";
  mesonBool = feature: value: mesonOption feature (lib.boolToString value);
  mesonEnable = feature: value: mesonOption feature (if value then "enabled" else "disabled");

  # Distance

  levenshtein = a: b:
    let
      sizeA = stringLength a;
      sizeB = stringLength b;
      # table.[i].[j]: distance of the first i characters of a from the first j of b; filled lazily.
      table = builtins.genList (i: builtins.genList (cell i) (sizeB + 1)) (sizeA + 1);
      at = i: j: elemAt (elemAt table i) j;
      cell = i: j:
        if i == 0 then
          j
        else if j == 0 then
          i
        else if substring (i - 1) 1 a == substring (j - 1) 1 b then
          at (i - 1) (j - 1)
        else
          1 + lib.min (lib.min (at (i - 1) j) (at i (j - 1))) (at (i - 1) (j - 1));
    in
    at sizeA sizeB;
  levenshteinAtMost = limit: a: b:
    let
      difference = stringLength a - stringLength b;
    in
    difference <= limit && -difference <= limit && (a == b || (limit > 0 && levenshtein a b <= limit));

}
