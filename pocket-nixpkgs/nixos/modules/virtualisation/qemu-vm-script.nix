# bin/run-NAME-vm: runs the machine. Reads the environment variables that NixOS's own script reads, in the same order.
{
  config,
  lib,
  ...
}:

let
  cfg = config.virtualisation;
  qemu = cfg.qemu;
  hostPkgs = cfg.host.pkgs;

  toplevel = config.system.build.toplevel;

  paths = [ toplevel ] ++ cfg.additionalPaths;

  # Nix's database of the store image, made here once: making it in the guest would take seconds of each boot.
  database = hostPkgs.runCommand "nix-database" { preferLocalBuild = true; } ''
    export HOME=$PWD NIX_STATE_DIR=$PWD/state NIX_LOG_DIR=$PWD/log NIX_CONF_DIR=$PWD
    ${config.nix.package}/bin/nix-store --load-db < ${hostPkgs.closureInfo { rootPaths = paths; }}/registration
    mkdir $out
    cp state/db/db.sqlite state/db/schema $out
  '';

  storeImage = hostPkgs.makeStoreImage {
    name = "nix-store-image";
    paths = paths ++ lib.optional config.nix.enable database;
  };

  register = lib.optionalString config.nix.enable " regInfo=${database}";

  joined = parts: lib.concatMapStrings (name: ",${name}=${parts.${name}}") (lib.attrNames parts);

  driveArguments =
    index: drive:
    let
      id = "drive${toString (index + 1)}";
      serial = lib.optionalAttrs (drive.name != null) { serial = drive.name; };
    in
    ''-drive "file=${drive.file},if=none,id=${id}${joined drive.driveExtraOpts}" -device "virtio-blk-pci,drive=${id}${
      joined (serial // drive.deviceExtraOpts)
    }"'';

  forwardArgument =
    forward:
    if forward.from == "host" then
      "hostfwd=${forward.proto}:${forward.host.address}:${toString forward.host.port}-${forward.guest.address}:${toString forward.guest.port},"
    else
      "guestfwd=${forward.proto}:${
        if forward.guest.address == "" then "10.0.2.100" else forward.guest.address
      }:${toString forward.guest.port}-cmd:${hostPkgs.netcat}/bin/nc ${
        if forward.host.address == "" then "127.0.0.1" else forward.host.address
      } ${toString forward.host.port},";

  consoles = lib.concatMapStringsSep " " (console: "console=${console}") qemu.consoles;

  emptyDisks = lib.imap0 (index: disk: {
    file = "$(pwd)/empty${toString index}.qcow2";
    name = null;
    driveExtraOpts.werror = "report";
    deviceExtraOpts = { };
  }) cfg.emptyDiskImages;

  arguments = [
    "-name ${lib.escapeShellArg config.system.name}"
    "-m ${toString cfg.memorySize}"
    "-smp ${toString cfg.cores}"
    "-device virtio-rng-pci"
  ]
  ++ qemu.networkingOptions
  ++ lib.imap0 driveArguments qemu.drives
  ++ qemu.options
  ++ [ "$QEMU_OPTS" ];

  script = ''
    #!${hostPkgs.runtimeShell}

    export PATH=${lib.makeBinPath [ hostPkgs.coreutils ]}''${PATH:+:}$PATH

    set -e

    # A root disk with an empty file system, unless the caller has one.
    make_disk_image() {
      local raw
      raw=$(mktemp)
      trap 'rm -f "$raw" "$NIX_DISK_IMAGE.new.$$"' EXIT
      truncate --size=${toString cfg.diskSize}M "$raw"
      ${hostPkgs.e2fsprogs}/bin/mke2fs -q -t ext4 -L nixos -E lazy_itable_init=1,lazy_journal_init=1,nodiscard "$raw"
      ${qemu.package}/bin/qemu-img convert -f raw -O qcow2 "$raw" "$NIX_DISK_IMAGE.new.$$"
      mv "$NIX_DISK_IMAGE.new.$$" "$NIX_DISK_IMAGE"
      rm -f "$raw"
      trap - EXIT
    }

    ${lib.optionalString (cfg.diskImage != null) ''
      NIX_DISK_IMAGE=$(readlink -f "''${NIX_DISK_IMAGE:-${cfg.diskImage}}") || test -z "$NIX_DISK_IMAGE"

      if [ -n "$NIX_DISK_IMAGE" ] && ! [ -e "$NIX_DISK_IMAGE" ]; then
        echo "Disk image do not exist, creating the virtualisation disk image..."
        make_disk_image
        echo "Virtualisation disk image created."
      fi
    ''}

    # A directory for what a run leaves behind.
    if [ -z "$TMPDIR" ] || [ -z "$USE_TMPDIR" ]; then
      TMPDIR=$(mktemp -d nix-vm.XXXXXXXXXX --tmpdir)
    fi
    mkdir -p "$TMPDIR/xchg"

    cd "$TMPDIR"

    ${lib.concatStrings (
      lib.imap0 (index: disk: ''
        [ -e empty${toString index}.qcow2 ] || ${qemu.package}/bin/qemu-img create -q -f qcow2 empty${toString index}.qcow2 ${toString disk.size}M
      '') cfg.emptyDiskImages
    )}
    # QEMU_OPTS and QEMU_NET_OPTS are lists of words: they stand without quotes on purpose.
    exec ${qemu.package}/bin/qemu-system-x86_64 -machine accel=${
      if qemu.forceAccel then "kvm" else "kvm:tcg"
    } -cpu max \
      ${lib.concatStringsSep " \\\n  " arguments} \
      "$@"
  '';
in
{
  virtualisation.qemu = {
    networkingOptions = lib.mkDefault [
      "-net nic,netdev=user.0,model=virtio"
      ''-netdev user,id=user.0,${lib.optionalString cfg.restrictNetwork "restrict=on,"}${
        lib.concatMapStrings forwardArgument cfg.forwardPorts
      }"$QEMU_NET_OPTS"''
    ];

    drives = lib.mkMerge [
      (lib.mkIf (cfg.diskImage != null) (
        lib.mkBefore [
          {
            name = "root";
            file = "$NIX_DISK_IMAGE";
            driveExtraOpts = {
              cache = "writeback";
              werror = "report";
            };
            deviceExtraOpts.bootindex = "1";
          }
        ]
      ))
      # Read-only, so that a guest's memory can be saved with it attached.
      [
        {
          name = "nix-store";
          file = "${storeImage}";
          driveExtraOpts = {
            format = "raw";
            readonly = "on";
          };
        }
      ]
      emptyDisks
    ];

    options =
      lib.optionals qemu.virtioKeyboard [ "-device virtio-keyboard" ]
      ++ lib.optional (!cfg.graphics) "-nographic"
      ++ lib.optionals cfg.graphics [ "-usb -device usb-tablet,bus=usb-bus.0" ]
      ++ lib.optionals cfg.directBoot.enable [
        ''-kernel "''${NIXPKGS_QEMU_KERNEL_${lib.replaceStrings [ "-" "." ] [ "_" "_" ] config.system.name}:-${toplevel}/kernel}"''
        "-initrd ${cfg.directBoot.initrd}"
        ''-append "$(cat ${toplevel}/kernel-params) init=${toplevel}/init${register} ${consoles} $QEMU_KERNEL_PARAMS"''
      ];
  };

  system.build.vm =
    hostPkgs.runCommand "nixos-vm"
      {
        preferLocalBuild = true;
        passAsFile = [ "script" ];
        inherit script;
        meta.mainProgram = "run-${config.system.name}-vm";
      }
      ''
        mkdir -p $out/bin
        ln -s ${toplevel} $out/system
        cp "$scriptPath" $out/bin/run-${config.system.name}-vm
        chmod +x $out/bin/run-${config.system.name}-vm
      '';
}
