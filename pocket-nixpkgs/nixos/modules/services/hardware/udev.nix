# udev's rules.
{ config, lib, pkgs, ... }:

let
  inherit (lib) mkOption types;

  cfg = config.services.udev;

  packages = [ config.systemd.package ]
    ++ cfg.packages
    ++ lib.optional (cfg.extraRules != "") (pkgs.writeTextDir "lib/udev/rules.d/99-local.rules" cfg.extraRules);

  # Rules that ask for programs the machine does not have say so at every device.
  rules = pkgs.runCommand "udev-rules" { preferLocalBuild = true; } ''
    mkdir -p $out
    for package in ${toString packages}; do
      for folder in lib/udev/rules.d etc/udev/rules.d; do
        [ -d $package/$folder ] || continue
        for file in $package/$folder/*.rules; do
          [ -e $file ] && cp -L $file $out/
        done
      done
    done
    chmod -R u+w $out
    rm -f $out/*snapd* $out/80-debian-compat.rules
    # Hardware that no virtual machine has; each rule is read again for each of some hundred devices at each boot.
    for unused in autosuspend cdrom_id drm evdev fido-id infiniband persistent-alsa persistent-input persistent-v4l \
      persistent-storage-tape sensor btrfs camera joystick memory mouse touchpad probe_mtd sound-card; do
      rm -f $out/*-$unused.rules
    done
    for file in $out/*.rules; do
      sed -Ei \
        -e 's#(RUN|PROGRAM|IMPORT\{program\})(\+?=+)"(/usr)?/s?bin/(kmod|modprobe)#\1\2"${pkgs.kmod}/bin/\4#g' \
        -e 's#"(/usr)?/lib/systemd/#"${config.systemd.package}/lib/systemd/#g' \
        -e 's#"(/usr)?/s?bin/(systemctl|udevadm|systemd-[a-z-]+)#"${config.systemd.package}/bin/\2#g' \
        -e 's#"(/usr)?/lib/udev/#"${config.systemd.package}/lib/udev/#g' \
        $file
    done
  '';

  hwdb = pkgs.runCommand "hwdb.bin" { preferLocalBuild = true; } ''
    mkdir -p root/etc/udev/hwdb.d
    ${lib.optionalString (cfg.extraHwdb != "") "cp ${pkgs.writeText "99-local.hwdb" cfg.extraHwdb} root/etc/udev/hwdb.d/99-local.hwdb"}
    ${config.systemd.package}/bin/systemd-hwdb --root=$PWD/root update
    mv root/etc/udev/hwdb.bin $out
  '';

  # Most of what a kernel announces needs no rules: without those, coldplug takes a third of the time. Of a port of
  # virtio-serial systemd would make three units, for each user's manager again.
  coldplug =
    let
      trigger = "-${config.systemd.package}/bin/udevadm trigger --action=add";
      unmatched = lib.concatMapStrings (subsystem: " --subsystem-nomatch=${subsystem}") [
        "acpi"
        "bdi"
        "clockevents"
        "clocksource"
        "cpu"
        "event_source"
        "machinecheck"
        "memory"
        "memory_tiering"
        "module"
        "node"
        "platform"
        "pnp"
        "tty"
        "vc"
        "virtio-ports"
        "wakeup"
        "workqueue"
      ];
    in
    [
      ""
      "${trigger} --type=devices${unmatched}"
      "${trigger} --type=devices --subsystem-match=tty --sysname-match=ttyS[0-3] --sysname-match=hvc* --sysname-match=console --sysname-match=tty1"
    ];
in
{
  options.services.udev = {
    enable = mkOption { type = types.bool; default = true; description = "Whether udev looks after devices."; };
    packages = mkOption { type = types.listOf types.path; default = [ ]; description = "Packages with rules."; };
    path = mkOption { type = types.listOf types.path; default = [ ]; description = "Packages whose programs rules may run."; };
    extraRules = mkOption { type = types.lines; default = ""; description = "Further rules."; };
    extraHwdb = mkOption { type = types.lines; default = ""; description = "Further lines of the hardware database."; };
  };

  config = lib.mkIf cfg.enable {
    services.udev.path = [ pkgs.coreutils pkgs.gnused pkgs.gnugrep pkgs.util-linux config.systemd.package ];
    environment.etc = {
      "udev/rules.d".source = rules;
      "udev/udev.conf".text = "udev_log=info\n";
    }
    // lib.optionalAttrs (cfg.extraHwdb != "") { "udev/hwdb.bin".source = hwdb; };
    systemd.services.systemd-udevd = {
      restartTriggers = [ rules ];
      # The service keeps the state of devices, a restart is enough.
      stopIfChanged = false;
      path = cfg.path;
    };
    systemd.services.systemd-udev-trigger.serviceConfig.ExecStart = coldplug;
  };
}
