# The time, from servers on the network.
{ config, lib, pkgs, ... }:

let
  inherit (lib) mkOption types;

  cfg = config.services.timesyncd;
  systemd = config.systemd.package;
in
{
  imports = [ (lib.mkRenamedOptionModule [ "services" "ntp" "servers" ] [ "networking" "timeServers" ]) ];

  options.services.timesyncd = {
    enable = mkOption { type = types.bool; default = true; description = "Whether systemd-timesyncd sets the clock."; };
    servers = mkOption { type = types.nullOr (types.listOf types.str); default = config.networking.timeServers; defaultText = lib.literalExpression "config.networking.timeServers"; description = "The servers."; };
    fallbackServers = mkOption { type = types.nullOr (types.listOf types.str); default = null; description = "Servers where no others are known."; };
    extraConfig = mkOption { type = types.lines; default = ""; description = "Further lines of timesyncd.conf."; };
  };

  config = lib.mkIf cfg.enable {
    environment.etc."systemd/timesyncd.conf".text = ''
      [Time]
      ${lib.optionalString (cfg.servers != null) "NTP=${toString cfg.servers}"}
      ${lib.optionalString (cfg.fallbackServers != null) "FallbackNTP=${toString cfg.fallbackServers}"}
      ${cfg.extraConfig}
    '';
    systemd.services.systemd-timesyncd = {
      description = "Network Time Synchronization";
      wantedBy = [ "sysinit.target" ];
      after = [ "systemd-tmpfiles-setup.service" ];
      before = [ "time-set.target" "sysinit.target" "shutdown.target" ];
      conflicts = [ "shutdown.target" ];
      wants = [ "time-set.target" ];
      aliases = [ "dbus-org.freedesktop.timesync1.service" ];
      restartTriggers = [ config.environment.etc."systemd/timesyncd.conf".source ];
      unitConfig = {
        DefaultDependencies = false;
        ConditionCapability = "CAP_SYS_TIME";
        ConditionVirtualization = "!container";
      };
      serviceConfig = {
        Type = "notify";
        ExecStart = "!!${systemd}/lib/systemd/systemd-timesyncd";
        AmbientCapabilities = "CAP_SYS_TIME";
        CapabilityBoundingSet = "CAP_SYS_TIME";
        Restart = "always";
        RestartSec = 0;
        RuntimeDirectory = "systemd/timesync";
        StateDirectory = "systemd/timesync";
        User = "systemd-timesync";
        WatchdogSec = "3min";
      };
    };
  };
}
