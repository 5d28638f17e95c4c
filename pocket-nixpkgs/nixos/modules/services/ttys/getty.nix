# Logins on terminals.
{
  config,
  lib,
  pkgs,
  ...
}:

let
  inherit (lib) mkOption types;

  cfg = config.services.getty;

  arguments = [
    "--login-program"
    cfg.loginProgram
  ]
  ++ lib.optionals (cfg.autologinUser != null && !cfg.autologinOnce) [
    "--autologin"
    cfg.autologinUser
  ]
  ++ lib.optionals (cfg.loginOptions != null) [
    "--login-options"
    cfg.loginOptions
  ]
  ++ cfg.extraArgs;

  agetty = rest: "@${pkgs.util-linux}/bin/agetty agetty ${lib.escapeShellArgs arguments} ${rest}";

  # An empty value first: what the packaged unit says is replaced, not added to.
  getty = rest: {
    serviceConfig.ExecStart = [
      ""
      (agetty rest)
    ];
    environment.TTY = "%I";
    restartIfChanged = false;
  };
in
{
  imports = [
    (lib.mkRenamedOptionModule [ "services" "mingetty" "autologinUser" ] [ "services" "getty" "autologinUser" ])
    (lib.mkRenamedOptionModule [ "services" "mingetty" "greetingLine" ] [ "services" "getty" "greetingLine" ])
    (lib.mkRenamedOptionModule [ "services" "mingetty" "helpLine" ] [ "services" "getty" "helpLine" ])
    (lib.mkRemovedOptionModule [ "services" "getty" "serialSpeed" ] "Terminals keep the speed that they have.")
    (lib.mkRemovedOptionModule [ "services" "mingetty" "serialSpeed" ] "Terminals keep the speed that they have.")
  ];

  options.services.getty = {
    autologinUser = mkOption {
      type = types.nullOr types.str;
      default = null;
      description = "Who is logged in on every terminal without being asked.";
    };
    autologinOnce = mkOption {
      type = types.bool;
      default = false;
      description = "Accepted; logins are then asked for.";
    };
    loginProgram = mkOption {
      type = types.path;
      default = "${pkgs.shadow}/bin/login";
      defaultText = "\"\${pkgs.shadow}/bin/login\"";
      description = "The program that asks for name and password.";
    };
    loginOptions = mkOption {
      type = types.nullOr types.str;
      default = null;
      description = "Options of that program.";
    };
    extraArgs = mkOption {
      type = types.listOf types.str;
      default = [ ];
      description = "Further arguments of agetty.";
    };
    greetingLine = mkOption {
      type = types.str;
      description = "First line of the greeting.";
    };
    helpLine = mkOption {
      type = types.lines;
      default = "";
      description = "What stands below the greeting.";
    };
  };

  config = {
    services.getty.greetingLine = lib.mkDefault ''<<< Welcome to ${config.system.nixos.distroName or "NixOS"} ${config.system.nixos.label} (\m) - \l >>>'';

    systemd.services = {
      "getty@" = getty "--noclear --keep-baud %I 115200,38400,9600 $TERM";
      "serial-getty@" = getty "%I --keep-baud $TERM";
      "container-getty@" = getty "--noclear --keep-baud pts/%I 115200,38400,9600 $TERM";
      console-getty = getty "--noclear --keep-baud console 115200,38400,9600 $TERM" // {
        enable = lib.mkDefault config.boot.isContainer;
      };
    };

    environment.etc.issue.text = lib.mkDefault ''
      \e[1;32m${cfg.greetingLine}\e[0m
      ${cfg.helpLine}

    '';
  };
}
