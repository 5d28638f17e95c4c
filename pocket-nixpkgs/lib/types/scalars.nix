# Types of single values: numbers, strings, paths, packages.
{ lib }:

let
  inherit (lib) types;
  inherit (lib.options) getFiles getValues mergeEqualOption mergeOneOption showFiles showOption;
  inherit (lib.types) addCheck defaultFunctor mkOptionType optionDescriptionPhrase;

  equal = name: description: check: mkOptionType {
    inherit name description check;
    descriptionClass = "noun";
    merge = mergeEqualOption;
  };
in
rec {
  raw = mkOptionType {
    name = "raw";
    description = "raw value";
    descriptionClass = "noun";
    merge = mergeOneOption;
  };

  unspecified = mkOptionType {
    name = "unspecified";
    description = "unspecified value";
    descriptionClass = "noun";
  };

  anything = mkOptionType {
    name = "anything";
    description = "anything";
    descriptionClass = "noun";
    merge = path: definitions:
      let
        kind = value: if builtins.isAttrs value && lib.isStringLike value then "stringCoercibleSet" else builtins.typeOf value;
        kinds = lib.unique (map kind (getValues definitions));
        merges = {
          set = (types.attrsOf anything).merge;
          stringCoercibleSet = mergeOneOption;
          lambda = path: definitions: argument:
            anything.merge (path ++ [ "<function body>" ]) (
              map (definition: { inherit (definition) file; value = definition.value argument; }) definitions
            );
        };
      in
      if builtins.length kinds > 1 then
        throw "The option `${showOption path}' has conflicting option types in ${showFiles (getFiles definitions)}"
      else
        (merges.${builtins.head kinds} or mergeEqualOption) path definitions;
  };

  bool = equal "bool" "boolean" builtins.isBool;
  boolByOr = mkOptionType {
    name = "boolByOr";
    description = "boolean (merged using or)";
    descriptionClass = "noun";
    check = builtins.isBool;
    merge = _path: definitions: lib.any lib.id (getValues definitions);
  };

  # Numbers

  int = equal "int" "signed integer" builtins.isInt;
  float = equal "float" "floating point number" builtins.isFloat;
  number = types.either int float;

  ints =
    let
      within = lowest: highest: "${toString lowest} and ${toString highest} (both inclusive)";
      between = lowest: highest:
        assert lib.assertMsg (lowest <= highest) "ints.between: lowest must be smaller than highest";
        addCheck int (value: value >= lowest && value <= highest)
        // {
          name = "intBetween";
          description = "integer between ${within lowest highest}";
        };
      sized = name: text: lowest: highest:
        between lowest highest
        // {
          inherit name;
          description = "${text}; between ${within lowest highest}";
        };
      unsignedOf = bits: count: sized "unsignedInt${bits}" "${bits} bit unsigned integer" 0 (count - 1);
      signedOf = bits: count: sized "signedInt${bits}" "${bits} bit signed integer" (-(count / 2)) (count / 2 - 1);
      limited = name: description: check:
        addCheck int check // { inherit name description; descriptionClass = "nonRestrictiveClause"; };
    in
    {
      inherit between;
      unsigned = limited "unsignedInt" "unsigned integer, meaning >=0" (value: value >= 0);
      positive = limited "positiveInt" "positive integer, meaning >0" (value: value > 0);
      u8 = unsignedOf "8" 256;
      u16 = unsignedOf "16" 65536;
      u32 = unsignedOf "32" 4294967296;
      s8 = signedOf "8" 256;
      s16 = signedOf "16" 65536;
      s32 = signedOf "32" 4294967296;
    };

  port = ints.u16;

  numbers = {
    between = lowest: highest:
      assert lib.assertMsg (lowest <= highest) "numbers.between: lowest must be smaller than highest";
      addCheck number (value: value >= lowest && value <= highest)
      // {
        name = "numberBetween";
        description = "integer or floating point number between ${builtins.toJSON lowest} and ${builtins.toJSON highest} (both inclusive)";
      };
    nonnegative = addCheck number (value: value >= 0) // {
      name = "numberNonnegative";
      description = "nonnegative integer or floating point number, meaning >=0";
      descriptionClass = "nonRestrictiveClause";
    };
    positive = addCheck number (value: value > 0) // {
      name = "numberPositive";
      description = "positive integer or floating point number, meaning >0";
      descriptionClass = "nonRestrictiveClause";
    };
  };

  # Strings

  str = equal "str" "string" builtins.isString;

  nonEmptyStr = equal "nonEmptyStr" "non-empty string" (
    value: builtins.isString value && builtins.match "[ \t\n]*" value == null
  );

  singleLineStr = mkOptionType {
    name = "singleLineStr";
    description = "(optionally newline-terminated) single-line string";
    descriptionClass = "noun";
    inherit (strMatching "[^\n\r]*\n?") check;
    merge = path: definitions: lib.removeSuffix "\n" (mergeEqualOption path definitions);
  };

  strMatching = pattern:
    equal "strMatching ${lib.escapeNixString pattern}" "string matching the pattern ${pattern}" (
      value: builtins.isString value && builtins.match pattern value != null
    )
    // rec {
      functor = defaultFunctor "strMatching" // {
        type = payload: strMatching payload.pattern;
        payload = { inherit pattern; };
        binOp = a: b: if a == b then a else null;
      };
      typeMerge = lib.types.defaultTypeMerge functor;
    };

  separatedString = separator: mkOptionType {
    name = "separatedString";
    description = "strings concatenated with ${builtins.toJSON separator}";
    descriptionClass = "noun";
    check = builtins.isString;
    merge = _path: definitions: lib.concatStringsSep separator (getValues definitions);
    functor = defaultFunctor "separatedString" // {
      payload = { sep = separator; };
      type = payload: separatedString payload.sep;
      binOp = a: b: if a.sep == b.sep then a else null;
    };
  };
  lines = separatedString "\n";
  commas = separatedString ",";
  envVar = separatedString ":";

  passwdEntry = entryType:
    addCheck entryType (value: !(lib.hasInfix ":" value || lib.hasInfix "\n" value))
    // {
      name = "passwdEntry ${entryType.name}";
      description = "${optionDescriptionPhrase (class: class == "noun") entryType}, not containing newlines or colons";
      descriptionClass = "nonRestrictiveClause";
    };

  # Paths, packages

  pathWith = { inStore ? null, absolute ? null }:
    mkOptionType {
      name = "path";
      description =
        (if absolute == null then "" else if absolute then "absolute " else "relative ")
        + "path"
        + (if inStore == null then "" else if inStore then " in the Nix store" else " not in the Nix store");
      descriptionClass = "noun";
      merge = mergeEqualOption;
      functor = defaultFunctor "path" // {
        type = pathWith;
        payload = { inherit inStore absolute; };
        binOp = a: b: if a == b then a else null;
      };
      check = value:
        let
          text = builtins.unsafeDiscardStringContext (toString value);
          isInStore = builtins.match "${lib.escapeRegex builtins.storeDir}/([0-9a-df-np-sv-z]{32}-|[0-9a-z]{52}).*" text != null;
          # A true path would be copied into the store, so it is no path outside of it.
          hasKind = if inStore == false then builtins.isString value else lib.isStringLike value;
        in
        hasKind
        && (inStore == null || inStore == isInStore)
        && (absolute == null || absolute == (builtins.substring 0 1 text == "/"));
    };
  path = pathWith { absolute = true; };
  pathInStore = pathWith { inStore = true; };
  externalPath = pathWith { absolute = true; inStore = false; };

  package = mkOptionType {
    name = "package";
    descriptionClass = "noun";
    check = value: lib.isDerivation value || lib.isStorePath value;
    merge = path: definitions:
      let
        value = mergeOneOption path definitions;
      in
      if builtins.isPath value || (builtins.isString value && !builtins.hasContext value) then lib.toDerivation value else value;
  };
  shellPackage = package // { check = value: lib.isDerivation value && value ? shellPath; };
  pkgs = addCheck (types.unique { message = "A Nixpkgs pkgs set can not be merged with another pkgs set."; } types.attrs // {
    name = "pkgs";
    descriptionClass = "noun";
    description = "Nixpkgs package set";
  }) (value: value._type or null == "pkgs");

  enum = values:
    let
      show = value:
        if builtins.isString value then
          ''"${value}"''
        else if builtins.isInt value then
          toString value
        else if builtins.isBool value then
          lib.boolToString value
        else
          "<${builtins.typeOf value}>";
    in
    mkOptionType {
      name = "enum";
      description =
        if values == [ ] then
          "impossible (empty enum)"
        else if builtins.length values == 1 then
          "value ${show (builtins.head values)} (singular enum)"
        else
          "one of ${lib.concatMapStringsSep ", " show values}";
      descriptionClass = if builtins.length values < 2 then "noun" else "conjunction";
      check = value: builtins.elem value values;
      merge = mergeEqualOption;
      functor = defaultFunctor "enum" // {
        payload = { inherit values; };
        type = payload: enum payload.values;
        binOp = a: b: { values = lib.unique (a.values ++ b.values); };
      };
    };

  optionType = mkOptionType {
    name = "optionType";
    description = "optionType";
    descriptionClass = "noun";
    check = value: value._type or null == "option-type";
    # Like two declarations of one option, each with one of the types.
    merge = path: definitions:
      if builtins.length definitions == 1 then
        (builtins.head definitions).value
      else
        let
          declarations = map (definition: {
            _file = definition.file;
            pos = null;
            options = lib.mkOption { type = definition.value; };
          }) definitions;
        in
        (lib.modules.fixupOptionType path (lib.modules.mergeOptionDecls path declarations)).type;
  };
}
