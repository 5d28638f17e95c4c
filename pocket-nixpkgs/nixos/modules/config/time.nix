# The time zone.
{ config, lib, pkgs, ... }:

let
  inherit (lib) mkOption types;

  cfg = config.time;
  zone = if cfg.timeZone == null then "UTC" else cfg.timeZone;
in
{
  options = {
    time.timeZone = mkOption {
      type = types.nullOr (types.addCheck types.str (value: builtins.match ".* .*" value == null)) // {
        description = "null or string without spaces";
      };
      default = null;
      example = "Europe/Berlin";
      description = "The time zone; null for UTC, changeable in the running system.";
    };
    time.hardwareClockInLocalTime = mkOption {
      type = types.bool;
      default = false;
      description = "Whether the hardware's clock shows local time.";
    };
    location = {
      latitude = mkOption { type = types.float; description = "Degrees north."; };
      longitude = mkOption { type = types.float; description = "Degrees east."; };
      provider = mkOption { type = types.enum [ "manual" "geoclue2" ]; default = "manual"; description = "Where the location comes from."; };
    };
  };

  config.environment = {
    sessionVariables.TZDIR = "/etc/zoneinfo";
    etc = {
      zoneinfo.source = "${pkgs.tzdata}/share/zoneinfo";
    }
    // lib.optionalAttrs (cfg.timeZone != null) {
      localtime = {
        source = "/etc/zoneinfo/${zone}";
        mode = "direct-symlink";
      };
    };
  };
}
