# sudo.
{ config, lib, pkgs, ... }:

let
  inherit (lib) mkOption types;

  cfg = config.security.sudo;

  command = types.coercedTo types.str (command: { inherit command; options = [ ]; }) (types.submodule {
    options = {
      command = mkOption { type = types.str; description = "The command, ALL for any."; };
      options = mkOption { type = types.listOf types.str; default = [ ]; example = [ "NOPASSWD" ]; description = "Tags."; };
    };
  });
  rule = types.submodule {
    options = {
      users = mkOption { type = with types; listOf (either str int); default = [ ]; description = "Users."; };
      groups = mkOption { type = with types; listOf (either str int); default = [ ]; description = "Groups."; };
      host = mkOption { type = types.str; default = "ALL"; description = "The host."; };
      runAs = mkOption { type = types.str; default = "ALL:ALL"; description = "As whom."; };
      commands = mkOption { type = types.listOf command; description = "What."; };
    };
  };

  userText = user: if builtins.isInt user then "#${toString user}" else user;
  groupText = group: if builtins.isInt group then "%#${toString group}" else "%${group}";
  ruleText = r:
    lib.concatMapStrings (
      who:
      "${who} ${r.host}=(${r.runAs}) ${
        lib.concatMapStringsSep ", " (c: lib.concatMapStrings (option: "${option}:") c.options + lib.optionalString (c.options != [ ]) " " + c.command) r.commands
      }\n"
    ) (map userText r.users ++ map groupText r.groups);

  configuration = pkgs.writeText "sudoers.in" ''
    # A change here is lost at the next switch.
    ${cfg.configFile}
  '';
  checked = pkgs.runCommand "sudoers" { preferLocalBuild = true; } ''
    ${cfg.package}/bin/visudo -f ${configuration} -c > check 2>&1 || { cat check >&2; exit 1; }
    cp ${configuration} $out
  '';
in
{
  options.security.sudo = {
    enable = mkOption { type = types.bool; default = true; description = "Whether sudo is on the machine."; };
    package = mkOption { type = types.package; default = pkgs.sudo; defaultText = lib.literalExpression "pkgs.sudo"; description = "The sudo to use."; };
    wheelNeedsPassword = mkOption { type = types.bool; default = true; description = "Whether members of wheel have to give their password."; };
    execWheelOnly = mkOption { type = types.bool; default = false; description = "Whether only members of wheel may run sudo at all."; };
    defaultOptions = mkOption { type = types.listOf types.str; default = [ "SETENV" ]; description = "Tags of root's and wheel's rules."; };
    extraRules = mkOption { type = types.listOf rule; default = [ ]; description = "Who may run what."; };
    extraConfig = mkOption { type = types.lines; default = ""; description = "Further lines of sudoers."; };
    configFile = mkOption { type = types.lines; internal = true; description = "sudoers, whole."; };
    keepTerminfo = mkOption { type = types.bool; default = true; description = "Whether descriptions of terminals stay in the environment."; };
  };

  config = lib.mkIf cfg.enable {
    security.sudo.extraRules =
      let
        all = options: [ { command = "ALL"; inherit options; } ];
      in
      lib.mkMerge [
        (lib.mkBefore [ { users = [ "root" ]; commands = all cfg.defaultOptions; } ])
        (lib.mkOrder 600 [
          {
            groups = [ "wheel" ];
            commands = all (lib.optional (!cfg.wheelNeedsPassword) "NOPASSWD" ++ cfg.defaultOptions);
          }
        ])
      ];

    security.sudo.configFile = lib.concatStringsSep "\n" (
      lib.optional cfg.keepTerminfo ''
        Defaults:root,%wheel env_keep+=TERMINFO_DIRS
        Defaults:root,%wheel env_keep+=TERMINFO
      ''
      ++ [
        ''
          Defaults env_keep+=SSH_AUTH_SOCK
          Defaults secure_path="/run/wrappers/bin:/run/current-system/sw/bin"
        ''
        (lib.concatMapStrings ruleText cfg.extraRules)
        cfg.extraConfig
      ]
    );

    security.wrappers = {
      sudo = {
        source = "${cfg.package}/bin/sudo";
        owner = "root";
        group = if cfg.execWheelOnly then "wheel" else "root";
        setuid = true;
        permissions = if cfg.execWheelOnly then "u+rx,g+x" else "u+rx,g+x,o+x";
      };
      sudoedit = {
        source = "${cfg.package}/bin/sudoedit";
        owner = "root";
        group = if cfg.execWheelOnly then "wheel" else "root";
        setuid = true;
        permissions = if cfg.execWheelOnly then "u+rx,g+x" else "u+rx,g+x,o+x";
      };
    };

    environment.systemPackages = [ cfg.package ];
    security.pam.services.sudo = { };
    environment.etc.sudoers = {
      source = checked;
      mode = "0440";
    };
  };
}
