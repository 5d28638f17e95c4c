# systemd's own units, those that a machine needs, with the programs they start taken from the store.
{ lib, pkgs }:

let
  systemd = pkgs.systemd;

  system = [
    # Targets that are stations of boot and shutdown.
    "basic.target"
    "emergency.target"
    "exit.target"
    "final.target"
    "first-boot-complete.target"
    "getty-pre.target"
    "getty.target"
    "graphical.target"
    "halt.target"
    "kexec.target"
    "local-fs-pre.target"
    "local-fs.target"
    "multi-user.target"
    "network-online.target"
    "network-pre.target"
    "network.target"
    "nss-lookup.target"
    "nss-user-lookup.target"
    "paths.target"
    "poweroff.target"
    "reboot.target"
    "remote-fs-pre.target"
    "remote-fs.target"
    "rescue.target"
    "rpcbind.target"
    "shutdown.target"
    "sigpwr.target"
    "sleep.target"
    "slices.target"
    "sockets.target"
    "suspend.target"
    "swap.target"
    "sysinit.target"
    "time-set.target"
    "time-sync.target"
    "timers.target"
    "umount.target"

    # Hardware that udev announces.
    "bluetooth.target"
    "printer.target"
    "smartcard.target"
    "sound.target"
    "usb-gadget.target"

    "user.slice"
    "user-.slice.d"
    "machine.slice"

    # Kernel file systems.
    "dev-hugepages.mount"
    "dev-mqueue.mount"
    "sys-fs-fuse-connections.mount"
    "sys-kernel-config.mount"
    "sys-kernel-debug.mount"
    "sys-kernel-tracing.mount"

    # Journal.
    "systemd-journald.service"
    "systemd-journald.socket"
    "systemd-journald-audit.socket"
    "systemd-journald-dev-log.socket"
    "systemd-journald@.service"
    "systemd-journald@.socket"
    "systemd-journald-varlink@.socket"
    "systemd-journal-flush.service"
    "syslog.socket"

    # Devices and kernel settings.
    "kmod-static-nodes.service"
    "modprobe@.service"
    "systemd-modules-load.service"
    "systemd-sysctl.service"
    "systemd-udevd.service"
    "systemd-udevd-control.socket"
    "systemd-udevd-kernel.socket"
    "systemd-udev-trigger.service"
    "systemd-udev-settle.service"

    # File systems and files.
    "blockdev@.target"
    "systemd-fsck@.service"
    "systemd-remount-fs.service"
    "systemd-random-seed.service"
    "systemd-tmpfiles-clean.service"
    "systemd-tmpfiles-clean.timer"
    "systemd-tmpfiles-setup.service"
    "systemd-tmpfiles-setup-dev.service"
    "systemd-update-utmp.service"

    # Users.
    "dbus-org.freedesktop.login1.service"
    "systemd-logind.service"
    "systemd-user-sessions.service"
    "user-runtime-dir@.service"
    "user@.service"
    "user@.service.d"
    "user@0.service.d"

    # Terminals and questions.
    "autovt@.service"
    "console-getty.service"
    "container-getty@.service"
    "debug-shell.service"
    "emergency.service"
    "getty@.service"
    "rescue.service"
    "serial-getty@.service"
    "systemd-ask-password-console.path"
    "systemd-ask-password-console.service"
    "systemd-ask-password-wall.path"
    "systemd-ask-password-wall.service"

    # Answers to D-Bus callers.
    "dbus-org.freedesktop.hostname1.service"
    "dbus-org.freedesktop.timedate1.service"
    "systemd-hostnamed.service"
    "systemd-timedated.service"

    # The end.
    "systemd-exit.service"
    "systemd-halt.service"
    "systemd-kexec.service"
    "systemd-poweroff.service"
    "systemd-reboot.service"
  ];

  # What is started without anybody asking.
  started = {
      "multi-user.target" = [
      "getty.target"
      "systemd-ask-password-wall.path"
      "systemd-logind.service"
      "systemd-user-sessions.service"
    ];
    "sockets.target" = [
      "systemd-journald-audit.socket"
      "systemd-journald-dev-log.socket"
      "systemd-journald.socket"
      "systemd-udevd-control.socket"
      "systemd-udevd-kernel.socket"
    ];
    "sysinit.target" = [
      "dev-hugepages.mount"
      "dev-mqueue.mount"
      "kmod-static-nodes.service"
      "sys-kernel-debug.mount"
      "sys-kernel-tracing.mount"
      "systemd-ask-password-console.path"
      "systemd-journal-flush.service"
      "systemd-journald.service"
      "systemd-modules-load.service"
      "systemd-random-seed.service"
      "systemd-sysctl.service"
      "systemd-tmpfiles-setup-dev.service"
      "systemd-tmpfiles-setup.service"
      "systemd-udev-trigger.service"
      "systemd-udevd.service"
      "systemd-update-utmp.service"
    ];
    "timers.target" = [ "systemd-tmpfiles-clean.timer" ];
  };

  user = [
    "app.slice"
    "background.slice"
    "basic.target"
    "bluetooth.target"
    "default.target"
    "exit.target"
    "graphical-session-pre.target"
    "graphical-session.target"
    "paths.target"
    "printer.target"
    "session.slice"
    "shutdown.target"
    "smartcard.target"
    "sockets.target"
    "sound.target"
    "systemd-exit.service"
    "systemd-tmpfiles-clean.service"
    "systemd-tmpfiles-clean.timer"
    "systemd-tmpfiles-setup.service"
    "timers.target"
    "xdg-desktop-autostart.target"
  ];

  # Units name programs where a distribution has them.
  rewrite = pkgs.writeText "programs.sed" ''
    s#([=!@: -])(/usr)?/lib/systemd/#\1${systemd}/lib/systemd/#g
    s#([=!@: -])(/usr)?/s?bin/agetty#\1${pkgs.util-linux}/bin/agetty#g
    s#([=!@: -])(/usr)?/s?bin/(kmod|modprobe)#\1${pkgs.kmod}/bin/\3#g
    s#([=!@: -])(/usr)?/s?bin/(bash|sh)\>#\1${pkgs.bash}/bin/\3#g
    s#([=!@: -])(/usr)?/s?bin/(udevadm|systemctl|journalctl|loginctl|systemd-[a-z-]+)#\1${systemd}/bin/\3#g
    /^Exec[A-Za-z]*=/s#=(-?)(systemctl|journalctl|udevadm|loginctl|systemd-tmpfiles|systemd-tty-ask-password-agent)\>#=\1${systemd}/bin/\2#
    s#=/lib/modules/#=/run/booted-system/kernel-modules/lib/modules/#
    /^Exec.*plymouth/d
    /^ConditionPathExists=[|].*dbus/d
    # No seat has a graphics card here.
    /^(Wants|After)=modprobe@drm.service$/d
    s#^(Wants=|After=)(.*)modprobe@drm.service#\1\2#
  '';
in
pkgs.runCommand "systemd-upstream-units" { preferLocalBuild = true; } ''
  take() {
    mkdir -p $out/lib/systemd/$1
    cd $out/lib/systemd/$1
    shift
    for unit in "$@"; do
      # A release of systemd may lack one of them.
      [ -e "$from/$unit" ] || [ -L "$from/$unit" ] || continue
      cp -rP --no-preserve=ownership "$from/$unit" .
    done
    chmod -R u+w .
    # Links lead to units beside them, under whatever path the distribution has them.
    find . -maxdepth 1 -type l | while read -r link; do
      ln -sfn "$(basename "$(readlink "$link")")" "$link"
    done
    find . -type f -print0 | xargs -0 sed -Ei -f ${rewrite}
  }

  start() {
    by=$1
    shift
    for unit in "$@"; do
      [ -e "$unit" ] || continue
      mkdir -p "$by.wants"
      ln -s "../$unit" "$by.wants/$unit"
    done
  }

  from=${systemd}/lib/systemd/system
  take system ${lib.concatMapStringsSep " " lib.escapeShellArg system}
  ${lib.concatStrings (lib.mapAttrsToList (by: units: "start ${by} ${toString units}\n") started)}
  rm -f user@.service.d/10-oomd-*.conf
  rmdir --ignore-fail-on-non-empty user@.service.d 2>/dev/null || true

  from=${systemd}/lib/systemd/user
  take user ${toString user}
''
