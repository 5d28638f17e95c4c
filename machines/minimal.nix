# The smallest configuration that NixOS accepts: no boot loader, one file system.
{
  boot.loader.grub.enable = false;

  fileSystems."/" = {
    device = "/dev/disk/by-label/nixos";
    fsType = "ext4";
  };

  networking.hostName = "minimal";

  system.stateVersion = "18.09";
}
