# Sessions, and what power keys do.
{ config, lib, ... }:

let
  inherit (lib) mkOption types;

  cfg = config.services.logind;
  renamed = from: to: lib.mkRenamedOptionModule [ "services" "logind" from ] [ "services" "logind" "settings" "Login" to ];
in
{
  imports = [
    (renamed "lidSwitch" "HandleLidSwitch")
    (renamed "lidSwitchDocked" "HandleLidSwitchDocked")
    (renamed "lidSwitchExternalPower" "HandleLidSwitchExternalPower")
    (renamed "powerKey" "HandlePowerKey")
    (renamed "suspendKey" "HandleSuspendKey")
    (renamed "hibernateKey" "HandleHibernateKey")
    (renamed "killUserProcesses" "KillUserProcesses")
  ];

  options.services.logind = {
    extraConfig = mkOption { type = types.lines; default = ""; description = "Further lines of logind.conf."; };
    settings.Login = mkOption {
      type = types.submodule {
        freeformType = with types; attrsOf (oneOf [ bool int str (listOf str) ]);
        options.KillUserProcesses = mkOption { type = types.bool; default = false; description = "Whether processes end with their session."; };
      };
      default = { };
      description = "Settings of logind.conf.";
    };
  };

  config.environment.etc."systemd/logind.conf".text = ''
    [Login]
    ${lib.concatStrings (
      lib.mapAttrsToList (name: value: "${name}=${if builtins.isBool value then lib.boolToYesNo value else toString value}\n") cfg.settings.Login
    )}${cfg.extraConfig}
  '';
}
