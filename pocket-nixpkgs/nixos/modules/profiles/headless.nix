# A machine that nobody sits at: it has neither screen nor keyboard, and reboots rather than waits.
{ lib, ... }:

{
  boot.vesa = false;
  systemd.services."serial-getty@ttyS0".enable = lib.mkDefault false;
  systemd.services."getty@tty1".enable = false;
  systemd.services."autovt@".enable = false;
  boot.kernelParams = [ "panic=1" "boot.panic_on_fail" "vga=0x317" "nomodeset" ];
  systemd.enableEmergencyMode = false;
  boot.loader.grub.splashImage = null;
}
