# What a configuration amends in systemd's own units: mostly what a switch leaves as it is.
{ config, lib, ... }:

let
  cfg = config.systemd;
in
{
  systemd = {
    services.emergency = lib.mkIf (!cfg.enableEmergencyMode) { enable = false; };

    # A switch starts what a target newly wants; these are left as they are.
    targets.local-fs.unitConfig.X-StopOnReconfiguration = true;
    targets.remote-fs.unitConfig.X-StopOnReconfiguration = true;

    services.systemd-remount-fs = {
      restartIfChanged = false;
      unitConfig.ConditionPathExists = [ "/etc/fstab" ];
    };
    services.systemd-random-seed.restartIfChanged = false;
    services."user@".restartIfChanged = false;
    services."user-runtime-dir@".restartIfChanged = false;
    services."systemd-udev-settle".restartIfChanged = false;
    services.systemd-user-sessions.restartIfChanged = false;
    services.systemd-update-utmp.restartIfChanged = false;
    services.systemd-logind = {
      restartIfChanged = false;
      # The bus is pulled in by dbus.socket; logind must not be passed over because it is not there yet.
      unitConfig.StartLimitIntervalSec = 0;
    };
  };
}
