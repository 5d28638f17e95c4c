# What hardware-configuration.nix says of real hardware. A guest has none of it: accepted, without effect here.
{ lib, config, ... }:

let
  inherit (lib) mkOption types;

  switch = description: mkOption { type = types.bool; default = false; inherit description; };
in
{
  imports = [
    (lib.mkRenamedOptionModule [ "hardware" "opengl" "enable" ] [ "hardware" "graphics" "enable" ])
    (lib.mkRenamedOptionModule [ "hardware" "opengl" "driSupport32Bit" ] [ "hardware" "graphics" "enable32Bit" ])
    (lib.mkRemovedOptionModule [ "sound" "enable" ] "ALSA needs no option any more.")
  ];

  options.hardware = {
    cpu.intel.updateMicrocode = switch "Whether Intel's microcode is updated at boot.";
    cpu.amd.updateMicrocode = switch "Whether AMD's microcode is updated at boot.";
    enableAllFirmware = switch "Whether all firmware is installed.";
    enableRedistributableFirmware = switch "Whether firmware that may be passed on is installed.";
    firmware = mkOption { type = types.listOf types.package; default = [ ]; description = "Packages with firmware."; };
    wirelessRegulatoryDatabase = switch "Whether the database of radio regulations is installed.";
    graphics.enable = switch "Whether drivers for graphics are installed.";
    graphics.enable32Bit = switch "Whether they are installed for 32-bit programs too.";
    graphics.extraPackages = mkOption { type = types.listOf types.package; default = [ ]; description = "Further drivers."; };
    bluetooth.enable = switch "Whether Bluetooth is supported.";
    bluetooth.powerOnBoot = mkOption { type = types.bool; default = true; description = "Whether Bluetooth is on after boot."; };
    ksm.enable = switch "Whether the kernel merges equal pages of memory.";
    rasdaemon.enable = switch "Whether hardware errors are logged.";
    i2c.enable = switch "Whether users may reach I²C devices.";
    block.defaultScheduler = mkOption { type = types.nullOr types.str; default = null; description = "The scheduler of block devices."; };
    video.hidpi.enable = switch "Whether the console has a large font.";
  };
}
