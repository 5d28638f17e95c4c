# Declarations of all modules into one tree of options, definitions into their values.
{ lib }:

let
  inherit (lib) concatMap optional;
  inherit (lib.modules)
    dischargeProperties filterOverrides' mkOptionDefault pushDownProperties setDefaultModuleLocation sortProperties;
  inherit (lib.options) isOption mkOption showDefs showFiles showOption;
  inherit (lib) types;

  checkDeclarations = path: module:
    if builtins.isAttrs module.options then
      module.options
    else
      throw ''
        An option declaration for `${lib.concatStringsSep "." path}' has type
        `${builtins.typeOf module.options}' rather than an attribute set.
        Did you mean to define this outside of `options'?
      '';

  checkDefinitions = path: definition:
    if builtins.isAttrs definition.config then
      definition
    else
      throw ''
        In module `${definition.file}', you're trying to define a value of type `${builtins.typeOf definition.config}'
        rather than an attribute set for the option
        `${lib.concatStringsSep "." path}'!
      '';

  # A declaration that is not an option at a place where others declare a submodule: its options belong inside.
  asSubmodule = declaration:
    if isOption declaration.options then
      declaration
    else
      declaration
      // {
        options = mkOption {
          type = types.submoduleWith {
            modules = [ { inherit (declaration) options; } ];
            shorthandOnlyDefinesConfig = null;
          };
        };
      };

  wrongDeclaration = path: declaration:
    throw "In module ${declaration._file}: expected an option declaration at option path `${showOption path}` but got an attribute set with type ${declaration.options._type}";

  alreadyDeclared = path: declaration: earlier:
    throw "The option `${showOption path}' in `${declaration._file}' is already declared in ${showFiles earlier}.";
in
rec {
  # { matchedOptions, unmatchedDefns }, both for the whole tree below `path`.
  mergeModules = path: modules:
    mergeModules' path modules (
      concatMap (
        module:
        map (config: {
          file = module._file;
          inherit config;
        }) (pushDownProperties module.config)
      ) modules
    );

  mergeModules' = path: modules: definitions:
    let
      declarationsByName = lib.zipAttrs (
        map (
          module:
          builtins.mapAttrs (name: options: {
            inherit (module) _file;
            inherit options;
            pos = builtins.unsafeGetAttrPos name module.options;
          }) (checkDeclarations path module)
        ) modules
      );

      checked = map (checkDefinitions path) definitions;
      definitionsByName = lib.zipAttrs (
        map (definition: builtins.mapAttrs (_: value: { inherit (definition) file; inherit value; }) definition.config) checked
      );
      # The same, ready for the next level of the tree.
      setsFor = name:
        concatMap (
          definition: map (config: { inherit (definition) file; inherit config; }) (pushDownProperties definition.value)
        ) (definitionsByName.${name} or [ ]);

      resultFor = name: declarations:
        let
          here = path ++ [ name ];
          isDeclared = declaration:
            declaration.options ? _type
            && (declaration.options._type == "option" || wrongDeclaration here declaration);
          declared = builtins.filter isDeclared declarations;
          evaluate = all: {
            matchedOptions = evalOptionValue here (fixupOptionType here (mergeOptionDecls here all)) (
              definitionsByName.${name} or [ ]
            );
            unmatchedDefns = [ ];
          };
          nested = builtins.filter (declaration: !isOption declaration.options) declarations;
          showNested = declaration:
            map (inner: " - option(s) with prefix `${showOption (here ++ [ inner ])}' in module `${declaration._file}'") (
              builtins.attrNames declaration.options
            );
          parent = builtins.head declared;
        in
        if declared == [ ] then
          mergeModules' here declarations (setsFor name)
        else if builtins.length declared == builtins.length declarations then
          evaluate declarations
        else if lib.all (declaration: declaration.options.type.name or null == "submodule") declared then
          evaluate (map asSubmodule declarations)
        else
          throw "The option `${showOption here}' in module `${parent._file}' would be a parent of the following options, but its type `${
            parent.options.type.description or "<no description>"
          }' does not support nested options.\n${
            lib.concatStringsSep "\n" (builtins.sort (a: b: a < b) (concatMap showNested nested))
          }";

      results = builtins.mapAttrs resultFor declarationsByName;
      unmatched =
        builtins.mapAttrs (_: result: result.unmatchedDefns) results
        // removeAttrs definitionsByName (builtins.attrNames results);
    in
    {
      matchedOptions = builtins.mapAttrs (_: result: result.matchedOptions) results;
      unmatchedDefns =
        if definitions == [ ] then
          [ ]
        else
          lib.concatLists (
            lib.mapAttrsToList (
              name: map (definition: definition // { prefix = [ name ] ++ definition.prefix or [ ]; })
            ) unmatched
          );
    };

  # Several declarations of the same option: they may add to each other, never contradict.
  mergeOptionDecls = path: declarations:
    let
      start = {
        loc = path;
        declarations = [ ];
        declarationPositions = [ ];
        options = [ ];
      };
      add = sum: declaration:
        let
          option = declaration.options;
          bothHave = name: option ? ${name} && sum ? ${name};
          mergedType = sum.type.typeMerge option.type.functor;
          subModules = option.type.getSubModules or null;
          position = {
            file = declaration._file;
            line = null;
            column = null;
          };
        in
        if lib.any bothHave [ "default" "example" "description" "apply" ] then
          alreadyDeclared path declaration sum.declarations
        else if bothHave "type" && mergedType == null then
          alreadyDeclared path declaration sum.declarations
        else
          option
          // sum
          // {
            declarations = sum.declarations ++ [ declaration._file ];
            declarationPositions = sum.declarationPositions ++ [ (if declaration.pos != null then declaration.pos else position) ];
            options = map (setDefaultModuleLocation declaration._file) (if subModules == null then [ ] else subModules) ++ sum.options;
          }
          // lib.optionalAttrs (bothHave "type") { type = mergedType; };
    in
    lib.foldl' add start declarations;

  # The type, with the submodules of all declarations in it.
  fixupOptionType = path: option:
    if option.type.getSubModules or null == null then
      option // { type = option.type or types.unspecified; }
    else
      option
      // {
        type = option.type.substSubModules option.options;
        options = [ ];
      };

  evalOptionValue = path: option: definitions:
    let
      withDefault =
        optional (option ? default) {
          file = builtins.head option.declarations;
          value = mkOptionDefault option.default;
        }
        ++ definitions;
      separately = map (definition: definition // { value = (mergeDefinitions path option.type [ definition ]).mergedValue; }) withDefault;
      merged =
        if option.readOnly or false && builtins.length withDefault > 1 then
          throw "The option `${showOption path}' is read-only, but it's set multiple times. Definition values:${showDefs separately}"
        else
          mergeDefinitions path option.type withDefault;
      warnDeprecation =
        if option.type.deprecationMessage == null then
          lib.id
        else
          lib.warn "The type `types.${option.type.name}' of option `${showOption path}' defined in ${showFiles option.declarations} is deprecated. ${option.type.deprecationMessage}";
    in
    warnDeprecation option
    // {
      value = builtins.addErrorContext "while evaluating the option `${showOption path}':" (
        if option ? apply then option.apply merged.mergedValue else merged.mergedValue
      );
      inherit (merged.defsFinal') highestPrio;
      definitions = map (definition: definition.value) merged.defsFinal;
      files = map (definition: definition.file) merged.defsFinal;
      definitionsWithLocations = merged.defsFinal;
      inherit (merged) isDefined;
      valueMeta = { };
      __toString = _: showOption path;
    };

  # Definitions ({ file, value }) of one option, to its value: properties off, priorities, order, type.
  mergeDefinitions = path: type: definitions: rec {
    defsFinal' =
      let
        opened = concatMap (
          definition:
          map (value: if value._type or null == "definition" then value else { inherit (definition) file; inherit value; }) (
            builtins.addErrorContext "while evaluating definitions from `${definition.file}':" (dischargeProperties definition.value)
          )
        ) definitions;
        filtered = filterOverrides' opened;
        isOrdered = lib.any (definition: definition.value._type or "" == "order") filtered.values;
      in
      {
        values = if isOrdered then sortProperties filtered.values else filtered.values;
        inherit (filtered) highestPrio;
      };
    defsFinal = defsFinal'.values;

    isDefined = defsFinal != [ ];
    mergedValue =
      let
        invalid = builtins.filter (definition: !type.check definition.value) defsFinal;
      in
      if isDefined then
        if invalid == [ ] then
          type.merge path defsFinal
        else
          throw "A definition for option `${showOption path}' is not of type `${type.description}'. Definition values:${showDefs invalid}"
      else if type.emptyValue ? value then
        type.emptyValue.value
      else
        throw "The option `${showOption path}' was accessed but has no value defined. Try setting the option.";
    optionalValue = lib.optionalAttrs isDefined { value = mergedValue; };
  };

  # Definitions of an option that is a set of values with priorities, attribute by attribute.
  mergeAttrDefinitionsWithPrio = option:
    let
      byName = lib.zipAttrs (
        map (definition: builtins.mapAttrs (_: value: { inherit (definition) file; inherit value; }) definition.value)
          option.definitionsWithLocations
      );
    in
    builtins.mapAttrs (
      name: definitions:
      let
        merged = mergeDefinitions (option.loc ++ [ name ]) option.type.nestedTypes.elemType definitions;
      in
      merged.optionalValue // { inherit (merged.defsFinal') highestPrio; }
    ) byName;
}
