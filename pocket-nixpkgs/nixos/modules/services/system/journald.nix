# The journal.
{ config, lib, ... }:

let
  inherit (lib) mkOption types;

  cfg = config.services.journald;
in
{
  options.services.journald = {
    console = mkOption { type = types.str; default = ""; description = "A terminal that shows all messages."; };
    rateLimitInterval = mkOption { type = types.str; default = "30s"; description = "The time over which messages are counted."; };
    rateLimitBurst = mkOption { type = types.int; default = 10000; description = "How many messages a service may log in that time."; };
    storage = mkOption { type = types.enum [ "persistent" "volatile" "auto" "none" ]; default = "persistent"; description = "Where the journal is kept."; };
    audit = mkOption { type = types.nullOr (types.either types.bool (types.enum [ "keep" ])); default = null; description = "Whether the kernel's audit messages are collected."; };
    forwardToSyslog = mkOption { type = types.bool; default = false; description = "Whether messages go to a syslog daemon too."; };
    extraConfig = mkOption { type = types.lines; default = ""; example = "Storage=volatile"; description = "Further lines of journald.conf."; };
  };

  config.environment.etc."systemd/journald.conf".text = ''
    [Journal]
    Storage=${cfg.storage}
    RateLimitInterval=${cfg.rateLimitInterval}
    RateLimitBurst=${toString cfg.rateLimitBurst}
    ${lib.optionalString (cfg.console != "") "ForwardToConsole=yes\nTTYPath=${cfg.console}"}
    ${lib.optionalString cfg.forwardToSyslog "ForwardToSyslog=yes"}
    ${lib.optionalString (cfg.audit != null) "Audit=${if builtins.isBool cfg.audit then lib.boolToYesNo cfg.audit else cfg.audit}"}
    ${cfg.extraConfig}
  '';

  config.users.groups.systemd-journal.gid = config.ids.gids.systemd-journal;

  config.systemd.services = {
    systemd-journald = {
      restartTriggers = [ config.environment.etc."systemd/journald.conf".source ];
      stopIfChanged = false;
    };
    systemd-journal-flush.restartIfChanged = false;
  };
}
