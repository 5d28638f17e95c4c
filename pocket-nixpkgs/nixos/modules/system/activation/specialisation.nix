# Specialisations: variants of the configuration that are deployed beside it.
{
  config,
  extendModules,
  lib,
  ...
}:

let
  inherit (lib) mkOption types;

  specialisation = types.submodule (
    { config, ... }:
    {
      options = {
        inheritParentConfig = mkOption {
          type = types.bool;
          default = true;
          description = "Whether the variant starts from the configuration it stands in.";
        };
        configuration = mkOption {
          type = types.deferredModule;
          default = { };
          description = "What the variant adds or changes.";
        };
      };
    }
  );

  # A variant has no variants of its own.
  variant =
    given:
    extendModules {
      modules = [
        given.configuration
        { specialisation = lib.mkOverride 0 { }; }
      ];
    };
in
{
  options.specialisation = mkOption {
    type = types.attrsOf specialisation;
    default = { };
    description = "Variants of the configuration.";
  };

  config = {
    assertions = lib.mapAttrsToList (name: given: {
      assertion = given.inheritParentConfig;
      message = "specialisation.${name}.inheritParentConfig = false is not in the pocket. Use a real nixpkgs (--nixpkgs PATH, NIX_PATH).";
    }) config.specialisation;

    system.systemBuilderCommands = lib.concatStrings (
      lib.mapAttrsToList (name: given: ''
        ln -s ${(variant given).config.system.build.toplevel} $out/specialisation/${lib.escapeShellArg name}
      '') config.specialisation
    );
  };
}
