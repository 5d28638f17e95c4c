# Telling disks what is free.
{ config, lib, pkgs, ... }:

let
  cfg = config.services.fstrim;
in
{
  options.services.fstrim = {
    enable = lib.mkOption { type = lib.types.bool; default = true; description = "Whether free space is told to disks regularly."; };
    interval = lib.mkOption { type = lib.types.str; default = "weekly"; description = "How often."; };
  };

  config = lib.mkIf cfg.enable {
    systemd.services.fstrim = {
      description = "Discard unused blocks on filesystems from /etc/fstab";
      unitConfig.ConditionVirtualization = "!container";
      serviceConfig = {
        Type = "oneshot";
        ExecStart = "${pkgs.util-linux}/bin/fstrim --listed-in /etc/fstab:/proc/self/mountinfo --verbose --quiet-unsupported";
      };
    };
    systemd.timers.fstrim = {
      description = "Discard unused blocks once a week";
      wantedBy = [ "timers.target" ];
      timerConfig = {
        OnCalendar = cfg.interval;
        AccuracySec = "1h";
        Persistent = true;
        RandomizedDelaySec = "100min";
      };
    };
  };
}
