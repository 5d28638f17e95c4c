# The environment of sessions, set by PAM before any shell runs, and the profiles it leads to.
{ config, lib, ... }:

let
  inherit (lib) mkOption types;

  cfg = config.environment;

  # One search path for each directory that profiles have.
  fromProfiles = lib.mapAttrs (
    _: directories: lib.concatMap (profile: map (directory: profile + directory) directories) cfg.profiles
  ) cfg.profileRelativeEnvVars;

  all = lib.zipAttrsWith (_: values: lib.concatMap lib.toList values) [ cfg.sessionVariables fromProfilesForPam ];
  fromProfilesForPam = lib.mapAttrs (
    _: directories: lib.concatMap (profile: map (directory: profile + directory) directories) cfg.profiles
  ) cfg.profileRelativeSessionVariables;

  # pam_env has @{HOME} where shells have $HOME.
  pamValue = value:
    lib.replaceStrings [ "$HOME" "$USER" "\"" ] [ "@{HOME}" "@{PAM_USER}" "\\\"" ] (lib.concatMapStringsSep ":" toString (lib.toList value));
in
{
  options.environment = {
    sessionVariables = mkOption {
      type = with types; attrsOf (oneOf [ (listOf (oneOf [ int str path ])) int str path ]);
      default = { };
      description = "Environment variables of sessions, graphical ones and those of user units included.";
    };
    profileRelativeSessionVariables = mkOption {
      type = types.attrsOf (types.listOf types.str);
      default = { };
      description = "Search paths of sessions made of a directory of each profile.";
    };
  };

  config.environment = {
    variables = lib.mkMerge [
      (lib.mapAttrs (_: value: lib.mkDefault value) cfg.sessionVariables)
      fromProfiles
      fromProfilesForPam
      { PATH = lib.mkForce ([ "/run/wrappers/bin" ] ++ fromProfilesForPam.PATH or [ ]); }
    ];

    etc."pam/environment".text = lib.concatStrings (
      lib.mapAttrsToList (name: value: "${name} DEFAULT=\"${pamValue value}\"\n") (all // { PATH = [ "/run/wrappers/bin" ] ++ all.PATH or [ ]; })
    );
  };
}
