# evalModules: modules in, options and config out.
{ lib }:

let
  inherit (lib.modules) collectModules mergeModules mkDefault;
  inherit (lib.options) isOption mkOption showDefs showOption;
  inherit (lib) types;

  internalKey = "lib/modules.nix";

  # Options by which modules steer their own evaluation.
  internalModule = { prefix, specialArgs, extendModules, moduleType }: {
    _file = internalKey;
    key = internalKey;
    options._module = {
      args = mkOption (
        {
          # Lazy, so that naming an argument does not evaluate the others.
          type = types.lazyAttrsOf types.raw;
          description = "Arguments for modules beyond `lib`, `config`, `options` and the special ones.";
        }
        // lib.optionalAttrs (prefix != [ ]) { internal = true; }
      );
      check = mkOption {
        type = types.bool;
        internal = true;
        default = true;
        description = "Whether a definition of an option that nobody declares is an error.";
      };
      freeformType = mkOption {
        type = types.nullOr types.optionType;
        internal = true;
        default = null;
        description = "The type by which definitions of undeclared options are merged; null for none allowed.";
      };
      specialArgs = mkOption {
        readOnly = true;
        internal = true;
        description = "Arguments that `imports` may depend on, given from outside.";
      };
    };
    config._module = {
      args = { inherit extendModules moduleType; };
      inherit specialArgs;
    };
  };

  suggestions = name: candidates:
    let
      near =
        if builtins.length candidates < 100 then candidates else builtins.filter (lib.levenshteinAtMost 2 name) candidates;
    in
    lib.take 3 (lib.sortOn (lib.levenshtein name) near);

  didYouMean = parent: names:
    let
      quoted = map (name: "`${showOption (parent ++ [ name ])}'") names;
    in
    if quoted == [ ] then
      ""
    else if builtins.length quoted == 1 then
      "\n\nDid you mean ${builtins.head quoted}?"
    else
      "\n\nDid you mean ${lib.concatStringsSep ", " (lib.init quoted)} or ${lib.last quoted}?";

  unknownOption = prefix: options: definition:
    let
      path = prefix ++ definition.prefix;
      parent = lib.init definition.prefix;
      siblings = builtins.attrNames (lib.attrByPath parent { } options);
      candidates = if parent == [ ] then lib.remove "_module" siblings else siblings;
      message =
        "The option `${showOption path}' does not exist. Definition values:${
          builtins.addErrorContext "while evaluating a definition from `${definition.file}'" (showDefs [ definition ])
        }"
        + didYouMean (lib.init path) (suggestions (lib.last path) candidates);
    in
    if builtins.attrNames options != [ "_module" ] then
      throw (message + lib.pocketNote)
    else if showOption prefix == "" then
      throw ''
        ${message}

        No option is declared at all: declarations belong into `options', not into `config'.
      ''
    else
      throw ''
        ${message}

        `${showOption prefix}' declares no options: in a `types.submodule' they belong into `options', not into `config'.
      '';
in
{
  evalModules =
    evalModulesArgs@{
      modules,
      prefix ? [ ],
      specialArgs ? { },
      class ? null,
      args ? { },
      check ? true,
    }:
    let
      regularModules =
        modules
        ++ lib.optional (evalModulesArgs ? args) { config._module = { inherit args; }; }
        ++ lib.optional (evalModulesArgs ? check) { config._module.check = mkDefault check; };

      collected =
        collectModules class (specialArgs.modulesPath or "")
          (
            regularModules
            ++ [
              (internalModule {
                inherit prefix specialArgs extendModules;
                moduleType = type;
              })
            ]
          )
          (
            {
              inherit lib options specialArgs;
              _class = class;
              _prefix = prefix;
              config =
                builtins.addErrorContext
                  "an infinite recursion here mostly means that `imports` depends on `config`, which is known only after all imports are"
                  config;
            }
            // specialArgs
          );

      # Last first: the definitions of a file come before those of what it imports.
      merged = mergeModules prefix (lib.reverseList collected.modules);
      options = merged.matchedOptions;

      declared = lib.mapAttrsRecursiveCond (value: !isOption value) (_: option: option.value) options;
      freeform = declared._module.freeformType.merge prefix (
        map (definition: {
          inherit (definition) file;
          value = lib.setAttrByPath definition.prefix definition.value;
        }) merged.unmatchedDefns
      );
      config =
        if declared._module.freeformType == null || merged.unmatchedDefns == [ ] then
          declared
        else
          lib.recursiveUpdate freeform declared;

      checked =
        if config._module.check && config._module.freeformType == null && merged.unmatchedDefns != [ ] then
          unknownOption prefix options (builtins.head merged.unmatchedDefns)
        else
          lib.id;

      extendModules = extendArgs@{ modules ? [ ], specialArgs ? { }, prefix ? [ ] }:
        lib.evalModules (
          evalModulesArgs
          // {
            modules = regularModules ++ modules;
            specialArgs = evalModulesArgs.specialArgs or { } // specialArgs;
            prefix = extendArgs.prefix or evalModulesArgs.prefix or [ ];
          }
        );

      type = types.submoduleWith { inherit modules specialArgs class; };
    in
    {
      _type = "configuration";
      options = checked options;
      config = checked (removeAttrs config [ "_module" ]);
      _module = checked config._module;
      inherit (collected) graph;
      inherit extendModules type class;
    };
}
