# The links that stage 2 makes for the paths of relocations.nix, before systemd starts: path => where it leads.
{ pkgs }:

let
  # systemd's programs, without the distribution's own units and generators, which a configuration alone chooses.
  programs = pkgs.runCommandLocal "systemd-programs" { } ''
    mkdir $out
    for entry in ${pkgs.systemd}/lib/systemd/*; do
      case ''${entry##*/} in
        system | user | *-preset | *.conf.d | system-generators | user-generators) ;;
        *) ln -s "$entry" $out/ ;;
      esac
    done
  '';
in
{
  "/run/.p/sysd" = "${programs}";
  "/run/.p/u" = "${pkgs.systemd}/lib/udev";
  "/run/.p/mods" = "/run/booted-system/kernel-modules/lib/modules";
  "/run/.p/mt" = "${pkgs.util-linux}/bin/mount";
  "/run/.p/umt" = "${pkgs.util-linux}/bin/umount";
  "/run/.p/fs" = "${pkgs.util-linux}/bin/fsck";
  "/run/.p/swon" = "${pkgs.util-linux}/bin/swapon";
  "/run/.p/swoff" = "${pkgs.util-linux}/bin/swapoff";
  "/run/.p/sulog" = "${pkgs.util-linux}/bin/sulogin";
  "/run/.p/sysctl" = "${pkgs.systemd}/bin/systemctl";
  "/run/.p/sysd-tty-ask-password-agent" = "${pkgs.systemd}/bin/systemd-tty-ask-password-agent";
  "/run/.p/ssh" = "${pkgs.openssh}/bin/ssh";
  "/run/.p/sudo" = "${pkgs.sudo}/libexec/sudo";
  "/run/.p/coreutils" = "${pkgs.coreutils}/libexec/coreutils";
  "/run/.p/locale" = "/run/current-system/sw/lib/locale";
  "/run/.p/terminfo" = "${pkgs.ncurses}/share/terminfo";
}
