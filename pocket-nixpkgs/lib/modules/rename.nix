# Modules that keep old names of options alive.
{ lib }:

let
  inherit (lib.modules) mkIf mkMerge mkOverride;
  inherit (lib.options) mkOption showFiles showOption;
  inherit (lib) types;
in
rec {
  mkRemovedOptionModule = path: replacement: { options, ... }: {
    options = lib.setAttrByPath path (mkOption {
      visible = false;
      apply = _: throw "The option `${showOption path}' can no longer be used since it's been removed. ${replacement}";
    });
    config.assertions =
      let
        option = lib.getAttrFromPath path options;
      in
      [
        {
          assertion = !option.isDefined;
          message = ''
            The option definition `${showOption path}' in ${showFiles option.files} no longer has any effect; please remove it.
            ${replacement}
          '';
        }
      ];
  };

  mkRenamedOptionModule = from: to:
    doRename {
      inherit from to;
      visible = false;
      warn = true;
      use = builtins.trace "Obsolete option `${showOption from}' is used. It was renamed to `${showOption to}'.";
    };

  mkRenamedOptionModuleWith = { from, to, sinceRelease }:
    let
      isDue = lib.oldestSupportedReleaseIsAtLeast sinceRelease;
    in
    doRename {
      inherit from to;
      visible = false;
      warn = isDue;
      use = lib.warnIf isDue "Obsolete option `${showOption from}' is used. It was renamed to `${showOption to}'.";
    };

  mkMergedOptionModule = from: to: mergeFn: { config, options, ... }: {
    options = lib.foldl' lib.recursiveUpdate { } (
      map (
        path:
        lib.setAttrByPath path (mkOption {
          visible = false;
          # A value that tells "not set" from every value that can be set.
          default = "_mkMergedOptionModule";
        })
      ) from
    );
    config =
      let
        used = builtins.filter (path: lib.getAttrFromPath path config != "_mkMergedOptionModule") from;
      in
      {
        warnings = map (
          path:
          "The option `${showOption path}' defined in ${showFiles (lib.getAttrFromPath path options).files} has been changed to `${showOption to}' that has a different type."
        ) used;
      }
      // lib.setAttrByPath to (mkMerge (lib.optional (used != [ ]) (mergeFn config)));
  };

  mkChangedOptionModule = from: to: changeFn: mkMergedOptionModule [ from ] to changeFn;

  mkAliasOptionModule = from: to:
    doRename {
      inherit from to;
      visible = true;
      warn = false;
      use = lib.id;
    };
  mkAliasOptionModuleMD = mkAliasOptionModule;

  mkDerivedConfig = option: f: mkOverride (option.highestPrio or lib.modules.defaultOverridePriority) (f option.value);

  mkAliasDefinitions = mkAliasAndWrapDefinitions lib.id;
  mkAliasAndWrapDefinitions = wrap: option: mkAliasIfDef option (wrap (mkMerge option.definitions));
  mkAliasAndWrapDefsWithPriority = wrap: option:
    mkAliasIfDef option (wrap (mkMerge (map (mkOverride option.highestPrio) option.definitions)));
  mkAliasIfDef = option: mkIf (option.isDefined && option.highestPrio < (lib.mkOptionDefault null).priority);

  doRename = { from, to, visible, warn, use, withPriority ? true, condition ? true }: { config, options, ... }:
    let
      fromOption = lib.getAttrFromPath from options;
      toType = (lib.attrByPath to { } options).type or (types.submodule { });
      target = lib.getAttrFromPath to;
      missing = abort "Renaming error: option `${showOption to}' does not exist.";
      hasTarget = lib.hasAttrByPath to;
    in
    {
      options = lib.setAttrByPath from (
        mkOption {
          inherit visible;
          description = "Alias of {option}`${showOption to}`.";
          apply = _: use (if hasTarget config then target config else missing);
        }
        // lib.optionalAttrs (toType != null) { type = toType; }
      );
      config = mkIf condition (mkMerge [
        (lib.optionalAttrs (options ? warnings) {
          warnings = lib.optional (warn && fromOption.isDefined)
            "The option `${showOption from}' defined in ${showFiles fromOption.files} has been renamed to `${showOption to}'.";
        })
        (lib.setAttrByPath to (
          (if withPriority then mkAliasAndWrapDefsWithPriority else mkAliasAndWrapDefinitions) lib.id fromOption
        ))
      ]);
    };
}
