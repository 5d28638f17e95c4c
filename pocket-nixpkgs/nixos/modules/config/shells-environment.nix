# What shells of every kind find in their environment.
{ config, lib, pkgs, ... }:

let
  inherit (lib) mkOption types;

  cfg = config.environment;

  # A list becomes a search path.
  values = with types; attrsOf (oneOf [ (listOf (oneOf [ int str path ])) int str path ]);
  toText = value: if builtins.isList value then lib.concatMapStringsSep ":" toString value else toString value;

  # Later sessions extend what an earlier one exported; expansion of $HOME and the like is wanted, so: double quotes.
  exported = lib.mapAttrsToList (name: value: ''export ${name}="${lib.escape [ "\"" ] (toText value)}"'') cfg.variables;

  initText = what: mkOption { type = types.lines; default = ""; description = "Shell code that ${what} run."; };
in
{
  options.environment = {
    variables = mkOption {
      type = values;
      default = { };
      example = { EDITOR = "nvim"; };
      apply = lib.mapAttrs (_: toText);
      description = "Environment variables of every shell.";
    };
    profiles = mkOption {
      type = types.listOf types.str;
      default = [ ];
      description = "Profiles in which programs are looked for, the first of which wins.";
    };
    profileRelativeEnvVars = mkOption {
      type = types.attrsOf (types.listOf types.str);
      default = { };
      description = "Search paths made of a directory of each profile.";
    };
    extraInit = initText "all shells, after their environment is set,";
    shellInit = initText "all shells";
    loginShellInit = initText "login shells";
    interactiveShellInit = initText "interactive shells";
    shellAliases = mkOption {
      type = with types; attrsOf (nullOr (either str path));
      default = { };
      example = { ll = "ls -l"; };
      description = "Aliases of every shell.";
    };
    homeBinInPath = mkOption { type = types.bool; default = false; description = "Whether ~/bin is in PATH."; };
    localBinInPath = mkOption { type = types.bool; default = false; description = "Whether ~/.local/bin is in PATH."; };
    binsh = mkOption { type = types.path; default = "${pkgs.bash}/bin/sh"; internal = true; description = "The program behind /bin/sh."; };
    usrbinenv = mkOption {
      type = types.nullOr types.path;
      default = "${pkgs.coreutils}/bin/env";
      description = "The program behind /usr/bin/env.";
    };
    shells = mkOption {
      type = types.listOf (types.either types.shellPackage types.path);
      default = [ ];
      description = "Shells that users may choose: /etc/shells.";
    };
  };

  config = {
    environment.shells = [ "/run/current-system/sw/bin/bash" "/run/current-system/sw/bin/sh" "/bin/sh" ];
    environment.etc.shells.text = lib.concatMapStrings (shell: "${if lib.isDerivation shell then "/run/current-system/sw${shell.shellPath}" else toString shell}\n") cfg.shells;

    environment.shellAliases = lib.mapAttrs (_: lib.mkDefault) {
      ls = "ls --color=tty";
      ll = "ls -l";
      l = "ls -alh";
    };

    environment.etc.set-environment.source = config.system.build.setEnvironment;
    system.build.setEnvironment = pkgs.writeText "set-environment" ''
      # Once a session is enough: what a user changes later must stay.
      export __NIXOS_SET_ENVIRONMENT_DONE=1

      ${lib.concatStringsSep "\n" exported}

      ${cfg.extraInit}

      ${lib.optionalString cfg.homeBinInPath ''export PATH="$HOME/bin:$PATH"''}
      ${lib.optionalString cfg.localBinInPath ''export PATH="$HOME/.local/bin:$PATH"''}
    '';
  };
}
