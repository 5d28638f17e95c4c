# Declaring options, and the merge functions and texts that types share.
{ lib }:

let
  inherit (lib) types;
in
rec {
  unknownModule = "<unknown-file>";

  isOption = lib.isType "option";

  mkOption =
    attributes@{
      default ? null, defaultText ? null, example ? null, description ? null, relatedPackages ? null, type ? null,
      apply ? null, internal ? null, visible ? null, readOnly ? null,
    }:
    attributes // { _type = "option"; };

  mkEnableOption = name:
    mkOption {
      default = false;
      example = true;
      description = "Whether to enable ${name}.";
      type = types.bool;
    };

  mkPackageOption = pkgs: name: { nullable ? false, default ? name, example ? null, extraDescription ? "", pkgsText ? "pkgs" }:
    let
      path = lib.toList default;
      text = lib.showAttrPath path;
      shownName = if builtins.isList name then lib.last name else name;
    in
    mkOption (
      {
        description =
          "The ${shownName} package to use." + lib.optionalString (extraDescription != "") " ${extraDescription}";
        type = if nullable then types.nullOr types.package else types.package;
      }
      // lib.optionalAttrs (default != null) {
        default = lib.attrByPath path (throw "${text} cannot be found in ${pkgsText}") pkgs;
        defaultText = literalExpression "${pkgsText}.${text}";
      }
      // lib.optionalAttrs (default == null && nullable) { default = null; }
      // lib.optionalAttrs (example != null) {
        example = literalExpression (if builtins.isList example then "${pkgsText}.${lib.showAttrPath example}" else example);
      }
    );

  mkSinkUndeclaredOptions = attributes:
    mkOption (
      {
        internal = true;
        visible = false;
        default = false;
        description = "Sink for option definitions.";
        type = types.mkOptionType {
          name = "sink";
          check = _: true;
          merge = _path: _definitions: false;
        };
        apply = _: throw "Option value is not readable because the option is not declared.";
      }
      // attributes
    );

  # Merging definitions ({ file, value })

  getValues = map (definition: definition.value);
  getFiles = map (definition: definition.file);

  mergeDefaultOption = path: definitions:
    let
      values = getValues definitions;
      all = predicate: lib.all predicate values;
    in
    if builtins.length values == 1 then
      builtins.head values
    else if all lib.isFunction then
      argument: mergeDefaultOption path (map (definition: definition // { value = definition.value argument; }) definitions)
    else if all builtins.isList then
      lib.concatLists values
    else if all builtins.isAttrs then
      lib.foldl' lib.mergeAttrs { } values
    else if all builtins.isBool then
      lib.any lib.id values
    else if all builtins.isString then
      lib.concatStrings values
    else if all builtins.isInt && all (value: value == builtins.head values) then
      builtins.head values
    else
      throw "Cannot merge definitions of `${showOption path}'. Definition values:${showDefs definitions}";

  mergeOneOption = mergeUniqueOption { message = ""; };

  mergeUniqueOption =
    args@{
      message,
      merge ? null,
    }:
    path: definitions:
    if builtins.length definitions == 1 then
      (if merge == null then (builtins.head definitions).value else merge path definitions)
    else
      throw "The option `${showOption path}' is defined multiple times while it's expected to be unique.\n${message}\nDefinition values:${showDefs definitions}\n${prioritySuggestion}";

  mergeEqualOption = path: definitions:
    let
      first = builtins.head definitions;
      check = earlier: definition:
        if earlier.value != definition.value then
          throw "The option `${showOption path}' has conflicting definition values:${
            showDefs [ earlier definition ]
          }\n${prioritySuggestion}"
        else
          earlier;
    in
    if definitions == [ ] then
      abort "This case should never happen."
    else if builtins.length definitions == 1 then
      first.value
    else
      (lib.foldl' check first (builtins.tail definitions)).value;

  prioritySuggestion = "Use `lib.mkForce value` or `lib.mkDefault value` to change the priority on any of these definitions.";

  # Texts

  showOption = path:
    let
      # Placeholders stand for names, they are none.
      isPlaceholder = part: builtins.elem part [ "<name>" "<function body>" "*" ];
      show = part: if isPlaceholder part then part else lib.escapeNixIdentifier part;
    in
    lib.concatMapStringsSep "." show path;

  showFiles = files: lib.concatMapStringsSep " and " (file: "`${file}'") files;

  showDefs = definitions:
    lib.concatMapStrings (
      definition:
      let
        pretty = builtins.tryEval (
          lib.generators.toPretty { } (
            lib.generators.withRecursion { depthLimit = 10; throwOnDepthLimit = false; } definition.value
          )
        );
        lines = lib.splitString "\n" pretty.value;
        firstLines = lib.take 5 lines;
        shortened = if builtins.length lines > 5 then firstLines ++ [ "..." ] else firstLines;
        shown = lib.optionalString pretty.success ": ${lib.concatStringsSep "\n    " shortened}";
      in
      "\n- In `${definition.file}'${shown}"
    ) definitions;

  showOptionWithDefLocs = option: ''
    ${showOption option.loc}, with values defined in:
    ${lib.concatMapStringsSep "\n" (file: "  - ${file}") option.files}
  '';

  # Documentation values

  literalExpression = text: { _type = "literalExpression"; inherit text; };
  literalMD = text: { _type = "literalMD"; inherit text; };
  literalCode = languageTag: text: literalMD "```${languageTag}\n${text}\n```";
  renderOptionValue = value:
    if value ? _type && value ? text then
      value
    else
      literalExpression (lib.generators.toPretty { multiline = true; allowPrettyValues = true; } value);
  scrubOptionValue = lib.id;

  optionAttrSetToDocList = optionAttrSetToDocList' [ ];
  optionAttrSetToDocList' = _: options:
    lib.concatMap (
      option:
      let
        visible = option.visible or true;
        entry = {
          loc = option.loc;
          name = showOption option.loc;
          description = option.description or null;
          declarations = builtins.filter (file: file != unknownModule) option.declarations;
          internal = option.internal or false;
          visible = if builtins.isBool visible then visible else visible == "shallow";
          readOnly = option.readOnly or false;
          type = option.type.description or "unspecified";
        }
        // lib.optionalAttrs (option ? example) { example = renderOptionValue option.example; }
        // lib.optionalAttrs (option ? defaultText || option ? default) {
          default = renderOptionValue (option.defaultText or option.default);
        };
        inner = option.type.getSubOptions option.loc;
      in
      [ entry ] ++ lib.optionals (visible == true && inner != { }) (optionAttrSetToDocList' [ ] inner)
    ) (lib.collect isOption options);
}
