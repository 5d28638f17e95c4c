# virtualisation.*: what can be said about a virtual machine.
{
  config,
  lib,
  pkgs,
  ...
}:

let
  inherit (lib) mkOption types;

  cfg = config.virtualisation;

  flag =
    default: description:
    mkOption {
      type = types.bool;
      inherit default description;
    };

  drive.options = {
    name = mkOption {
      type = types.nullOr types.str;
      default = null;
      description = "Name that the guest finds it by, under /dev/disk/by-id/virtio-NAME.";
    };
    file = mkOption {
      type = types.str;
      description = "The image; shell variables of the run script are replaced.";
    };
    driveExtraOpts = mkOption {
      type = types.attrsOf types.str;
      default = { };
      description = "Further parts of the argument -drive.";
    };
    deviceExtraOpts = mkOption {
      type = types.attrsOf types.str;
      default = { };
      description = "Further parts of the argument -device.";
    };
  };

  forward.options = {
    from = mkOption {
      type = types.enum [
        "host"
        "guest"
      ];
      default = "host";
      description = "Which side opens the connection.";
    };
    proto = mkOption {
      type = types.enum [
        "tcp"
        "udp"
      ];
      default = "tcp";
      description = "Its protocol.";
    };
    host.address = mkOption {
      type = types.str;
      default = "";
      description = "The host's address.";
    };
    host.port = mkOption {
      type = types.port;
      description = "The host's port.";
    };
    guest.address = mkOption {
      type = types.str;
      default = "";
      description = "The guest's address.";
    };
    guest.port = mkOption {
      type = types.port;
      description = "The guest's port.";
    };
  };
in
{
  imports = [
    (lib.mkRenamedOptionModule [ "virtualisation" "pathsInNixDB" ] [ "virtualisation" "additionalPaths" ])
    (lib.mkRenamedOptionModule [ "virtualisation" "bootDevice" ] [ "virtualisation" "rootDevice" ])
  ];

  options = {
    virtualisation = {
      memorySize = mkOption {
        type = types.ints.positive;
        default = 1024;
        description = "Memory in MiB.";
      };
      cores = mkOption {
        type = types.ints.positive;
        default = 1;
        description = "Processors.";
      };
      diskSize = mkOption {
        type = types.ints.positive;
        default = 1024;
        description = "Size of the root disk in MiB.";
      };
      diskImage = mkOption {
        type = types.nullOr types.str;
        default = "./${config.system.name}.qcow2";
        defaultText = "./\${config.system.name}.qcow2";
        description = "Image of the root disk, made when it is missing; null keeps the root in memory.";
      };
      rootDevice = mkOption {
        type = types.nullOr types.str;
        default = "/dev/disk/by-label/nixos";
        description = "Where stage 1 finds the root file system.";
      };
      emptyDiskImages = mkOption {
        type =
          with types;
          listOf (coercedTo ints.positive (size: { inherit size; }) (submodule {
            options.size = mkOption {
              type = ints.positive;
              description = "Size in MiB.";
            };
            options.driveConfig = mkOption {
              type = attrs;
              default = { };
              description = "Settings as in virtualisation.qemu.drives.";
            };
          }));
        default = [ ];
        description = "Further disks, empty, by their sizes in MiB.";
      };
      graphics = flag true "Whether QEMU opens a window; without, the serial port is the console.";
      resolution = mkOption {
        type = types.attrsOf types.ints.positive;
        default = {
          x = 1024;
          y = 768;
        };
        description = "Size of the window.";
      };
      forwardPorts = mkOption {
        type = types.listOf (types.submodule forward);
        default = [ ];
        description = "Connections between host and guest.";
      };
      restrictNetwork = flag false "Whether the guest reaches nothing outside.";
      sharedDirectories = mkOption {
        type = types.attrsOf types.attrs;
        default = { };
        description = "Directories of the host. The pocket's kernel cannot mount them.";
      };
      useNixStoreImage = flag true "Whether the store comes as an image. In the pocket it always does.";
      mountHostNixStore = flag false "Whether the host's store is mounted. In the pocket it never is.";
      writableStore = flag true "Whether the guest can add to its store.";
      writableStoreUseTmpfs = flag true "Whether what the guest adds is kept in memory.";
      additionalPaths = mkOption {
        type = types.listOf types.path;
        default = [ ];
        description = "Store paths that the guest has beside its own system.";
      };
      msize = mkOption {
        type = types.ints.positive;
        default = 16384;
        description = "Accepted; no directory of the host is mounted.";
      };
      useDefaultFilesystems = flag true "Whether the file systems are those of the virtual machine.";
      fileSystems = mkOption {
        type = types.attrs;
        default = { };
        description = "File systems of the virtual machine, beside the default ones.";
      };
      useBootLoader = flag false "Whether the machine starts through its boot loader. In the pocket it cannot.";
      useEFIBoot = flag false "Whether the machine has UEFI firmware. In the pocket it has not.";
      useHostCerts = flag false "Accepted; no directory of the host is mounted.";
      directBoot.enable = flag (!cfg.useBootLoader) "Whether the kernel is started directly.";
      directBoot.initrd = mkOption {
        type = types.str;
        default = "${config.system.build.initialRamdisk}/${config.system.boot.loader.initrdFile}";
        defaultText = "the system's own";
        description = "The initial ramdisk.";
      };
      vlans = mkOption {
        type = types.listOf types.ints.unsigned;
        default = [ ];
        description = "Accepted; a machine on its own has the user network only.";
      };
      host.pkgs = mkOption {
        type = types.raw or types.unspecified;
        default = pkgs;
        defaultText = "pkgs";
        description = "Packages that the run script itself uses.";
      };

      qemu = {
        package = mkOption {
          type = types.package;
          default = cfg.host.pkgs.qemu_kvm;
          defaultText = "pkgs.qemu_kvm";
          description = "The QEMU that runs the machine.";
        };
        options = mkOption {
          type = types.listOf types.str;
          default = [ ];
          description = "Further arguments of QEMU.";
        };
        consoles = mkOption {
          type = types.listOf types.str;
          default =
            if cfg.graphics then
              [
                "ttyS0,115200n8"
                "tty0"
              ]
            else
              [
                "tty0"
                "ttyS0,115200n8"
              ];
          description = "The kernel's consoles; the last one is /dev/console.";
        };
        networkingOptions = mkOption {
          type = types.listOf types.str;
          description = "Arguments that give the machine its network.";
        };
        drives = mkOption {
          type = types.listOf (types.submodule drive);
          default = [ ];
          description = "The machine's disks.";
        };
        diskInterface = mkOption {
          type = types.enum [ "virtio" ];
          default = "virtio";
          description = "How disks are attached.";
        };
        guestAgent.enable = flag true "Accepted; the pocket has no guest agent.";
        virtioKeyboard = flag true "Whether there is a keyboard.";
        enableSharedMemory = flag false "Accepted; nothing shares the guest's memory.";
        forceAccel = flag false "Whether the machine refuses to run without KVM.";
      };
    };

    system.requiredKernelConfig = mkOption {
      type = types.listOf types.attrs;
      default = [ ];
      internal = true;
      description = "Accepted; the kernel is the distribution's.";
    };
  };
}
