# Commands around suspend and at boot.
{ config, lib, ... }:

let
  inherit (lib) mkOption types;

  cfg = config.powerManagement;
  text = description: mkOption { type = types.lines; default = ""; inherit description; };
in
{
  options.powerManagement = {
    enable = mkOption { type = types.bool; default = true; description = "Whether suspend and its hooks are available."; };
    resumeCommands = text "Commands after a resume.";
    powerUpCommands = text "Commands at boot and after a resume.";
    powerDownCommands = text "Commands before suspend and shutdown.";
    cpuFreqGovernor = mkOption { type = types.nullOr types.str; default = null; description = "How the processor's frequency is chosen; a guest's processor has none to choose."; };
    powertop.enable = mkOption { type = types.bool; default = false; description = "Whether powertop tunes the hardware."; };
    scsiLinkPolicy = mkOption { type = types.nullOr types.str; default = null; description = "Power saving of SATA links."; };
  };

  config.systemd.services = lib.mkIf cfg.enable {
    post-boot = lib.mkIf (cfg.powerUpCommands != "") {
      description = "Post-Boot Actions";
      wantedBy = [ "multi-user.target" ];
      serviceConfig = {
        Type = "oneshot";
        RemainAfterExit = true;
      };
      script = cfg.powerUpCommands;
    };
  };
}
