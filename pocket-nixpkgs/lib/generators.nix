# Nix values as text of configuration formats.
{ lib }:

let
  inherit (lib) concatStringsSep isFunction mapAttrsToList;
in
rec {
  mkValueStringDefault = { }: value:
    let
      unsupported = kind: throw "generators.mkValueStringDefault: ${kind} not supported: ${toPretty { } value}";
    in
    if builtins.isInt value then
      toString value
    else if lib.isDerivation value then
      toString value
    else if builtins.isString value then
      value
    else if value == true then
      "true"
    else if value == false then
      "false"
    else if value == null then
      "null"
    else if builtins.isList value then
      unsupported "lists"
    else if builtins.isAttrs value then
      unsupported "attrsets"
    else if isFunction value then
      unsupported "functions"
    else if builtins.isFloat value then
      lib.floatToString value
    else
      unsupported "this value is";

  mkKeyValueDefault = { mkValueString ? mkValueStringDefault { } }: separator: key: value:
    "${lib.escape [ separator ] key}${separator}${mkValueString value}";

  toKeyValue = { mkKeyValue ? mkKeyValueDefault { } "=", listsAsDuplicateKeys ? false, indent ? "" }: set:
    let
      line = key: value: indent + mkKeyValue key value + "\n";
      lines = key: value: if listsAsDuplicateKeys then map (line key) (lib.toList value) else [ (line key value) ];
    in
    lib.concatStrings (lib.concatLists (mapAttrsToList lines set));

  toINI =
    {
      mkSectionName ? (name: lib.escape [ "[" "]" ] name),
      mkKeyValue ? mkKeyValueDefault { } "=",
      listsAsDuplicateKeys ? false,
    }:
    sections:
    let
      section = name: set: "[${mkSectionName name}]\n${toKeyValue { inherit mkKeyValue listsAsDuplicateKeys; } set}";
    in
    concatStringsSep "\n" (mapAttrsToList section sections);

  toINIWithGlobalSection =
    args@{
      mkSectionName ? (name: lib.escape [ "[" "]" ] name),
      mkKeyValue ? mkKeyValueDefault { } "=",
      listsAsDuplicateKeys ? false,
    }:
    { globalSection, sections ? { } }:
    lib.optionalString (globalSection != { }) (toKeyValue { inherit mkKeyValue listsAsDuplicateKeys; } globalSection + "\n")
    + toINI args sections;

  toGitINI = set:
    let
      quote = value: if builtins.isString value then ''"${lib.replaceStrings [ "\n" "\t" ''"'' "\\" ] [ "\\n" "\\t" ''\"'' "\\\\" ] value}"'' else value;
      mkValueString = value: mkValueStringDefault { } (quote value);
      line = key: value: "\t" + mkKeyValueDefault { inherit mkValueString; } " = " key value;
      mkKeyValue = key: value: if builtins.isList value then lib.concatMapStringsSep "\n" (line key) value else line key value;
      mkSectionName = name:
        let
          parts = lib.splitString "." name;
        in
        if lib.hasInfix ''"'' name || builtins.length parts == 1 then
          name
        else
          ''${builtins.head parts} "${concatStringsSep "." (builtins.tail parts)}"'';
      # { a.b.c = 1; } as { "a.b".c = 1; }
      flattened = path: inner:
        lib.foldl' lib.recursiveUpdate { } (
          mapAttrsToList (
            key: value:
            if builtins.isAttrs value && !lib.isDerivation value then
              flattened (path ++ [ key ]) value
            else
              { ${concatStringsSep "." path}.${key} = value; }
          ) inner
        );
    in
    toINI { inherit mkKeyValue mkSectionName; } (
      lib.foldl' lib.recursiveUpdate { } (
        mapAttrsToList (name: value: if builtins.isAttrs value then flattened [ name ] value else { ${name} = value; }) set
      )
    );

  toJSON = { }: builtins.toJSON;
  toYAML = toJSON;

  # Replaces what lies deeper than the limit, or throws.
  withRecursion = { depthLimit, throwOnDepthLimit ? true }:
    let
      kept = [ "__functor" "__functionArgs" "__toString" "__pretty" ];
      tooDeep =
        if throwOnDepthLimit then
          throw "Exceeded maximum eval-depth limit of ${toString depthLimit} while trying to evaluate with `generators.withRecursion'!"
        else
          "<unevaluated>";
      cut = depth: value: if depthLimit != null && depth > depthLimit then (if throwOnDepthLimit then tooDeep else if builtins.isFunction value then value else tooDeep) else value;
      visit = depth: value:
        let
          next = inner: if depthLimit != null && depth + 1 > depthLimit then tooDeep else visit (depth + 1) inner;
        in
        if builtins.isAttrs value then
          builtins.mapAttrs (name: inner: if builtins.elem name kept then inner else next inner) value
        else if builtins.isList value then
          map next value
        else
          cut (depth + 1) value;
    in
    assert builtins.isInt depthLimit;
    visit 0;

  toPretty = { allowPrettyValues ? false, multiline ? true, indent ? "" }:
    let
      showString = indent: text:
        let
          lines = builtins.filter builtins.isString (builtins.split "\n" text);
          block = map (lib.replaceStrings [ "\${" "''" ] [ "''\${" "'''" ]) lines;
          open = "\n${indent}  ";
          ending = if lib.last block == "" then "\n${indent}" else open + lib.last block;
        in
        if multiline && builtins.length lines > 1 then
          "''" + open + concatStringsSep open (lib.init block) + ending + "''"
        else
          "\"" + lib.concatMapStringsSep "\\n" (lib.escape [ "\\" "\"" "\${" ]) lines + "\"";

      showFunction = f:
        let
          arguments = mapAttrsToList (name: hasDefault: if hasDefault then "${name}?" else name) (lib.functionArgs f);
        in
        if arguments == [ ] then "<function>" else "<function, args: {${concatStringsSep ", " arguments}}>";

      show = indent: value:
        let
          open = if multiline then "\n${indent}  " else " ";
          close = if multiline then "\n${indent}" else " ";
          inner = show (indent + "  ");
        in
        if builtins.isInt value then
          toString value
        else if builtins.isFloat value then
          builtins.toJSON value
        else if builtins.isString value then
          showString indent value
        else if value == true then
          "true"
        else if value == false then
          "false"
        else if value == null then
          "null"
        else if builtins.isPath value then
          toString value
        else if builtins.isList value then
          (if value == [ ] then "[ ]" else "[${open}${lib.concatMapStringsSep open inner value}${close}]")
        else if isFunction value then
          showFunction value
        else if builtins.isAttrs value then
          (
            if allowPrettyValues && value ? __pretty && value ? val then
              value.__pretty value.val
            else if value == { } then
              "{ }"
            else if value.type or null == "derivation" then
              "<derivation ${value.name or "???"}>"
            else
              "{${open}${
                concatStringsSep open (
                  mapAttrsToList (
                    name: item:
                    "${lib.escapeNixIdentifier name} = ${
                      builtins.addErrorContext "while evaluating an attribute `${name}`" (inner item)
                    };"
                  ) value
                )
              }${close}}"
          )
        else
          abort "generators.toPretty: unknown kind of value";
    in
    show indent;

  mkLuaInline = expr: { _type = "lua-inline"; inherit expr; };
}
