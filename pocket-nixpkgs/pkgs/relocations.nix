# Paths that are compiled into the distribution's programs and that no NixOS has. In every program each is replaced by one
# of the same length: below /etc where NixOS has the like, else below /run/.p, where stage 2 makes the links of
# `pkgs.pocket.runtimeLinks`. patchelf does not reach them: they are plain strings.
{
  "/lib/systemd" = "/run/.p/sysd";
  "/lib/udev" = "/run/.p/u";
  "/lib/modules" = "/run/.p/mods";
  "/lib/modprobe.d" = "/etc/modprobe.d";
  "/lib/depmod.d" = "/etc/depmod.d";
  "/usr/lib/systemd" = "/run/.p/////sysd";
  "/usr/lib/udev" = "/run/.p/////u";
  "/usr/lib/modules" = "/run/.p/////mods";
  "/usr/lib/modprobe.d" = "/etc/////modprobe.d";

  "/bin/mount" = "/run/.p/mt";
  "/bin/umount" = "/run/.p/umt";
  "/sbin/fsck" = "/run/.p/fs";
  "/sbin/swapon" = "/run/.p/swon";
  "/sbin/swapoff" = "/run/.p/swoff";
  "/sbin/sulogin" = "/run/.p/sulog";
  "/bin/systemctl" = "/run/.p/sysctl";
  "/bin/systemd-tty-ask-password-agent" = "/run/.p/sysd-tty-ask-password-agent";
  "/usr/bin/mount" = "/run/.p/////mt";
  "/usr/bin/umount" = "/run/.p/////umt";
  "/usr/sbin/fsck" = "/run/.p/////fs";
  "/usr/sbin/swapon" = "/run/.p/////swon";
  "/usr/sbin/swapoff" = "/run/.p/////swoff";
  "/usr/sbin/sulogin" = "/run/.p/////sulog";

  "/usr/bin/ssh" = "/run/.p//ssh";
  "/usr/libexec/sudo" = "/run/.p//////sudo";
  "/usr/libexec/coreutils" = "/run/.p//////coreutils";

  # Where programs are looked for when nobody says, systemd's own included.
  "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin" = "/run/wrappers/bin:/run/current-system/sw//////bin";

  "/usr/lib/locale" = "/run/.p//locale";
  "/usr/share/terminfo" = "/run/.p////terminfo";
  "/lib/terminfo" = "/etc/terminfo";
  "/usr/share/zoneinfo" = "/etc///////zoneinfo";
  "/usr/lib/ssl" = "/etc/////ssl";
}
