# What nixos-generate-config imports for hardware that it has not detected.
{ lib, ... }:

{
  hardware.enableRedistributableFirmware = lib.mkDefault true;
}
