# A virtual machine of the configuration: what differs in the system, and the script that runs it under QEMU.
{
  config,
  lib,
  ...
}:

let
  inherit (lib) mkVMOverride;

  cfg = config.virtualisation;

  rootFileSystem =
    if cfg.diskImage == null then
      {
        device = "tmpfs";
        fsType = "tmpfs";
        options = [ "mode=0755" ];
      }
    else
      {
        device = cfg.rootDevice;
        fsType = "ext4";
      };

  # The machine's disk is fresh and its store is an image beside it: neither is the deployed machine's.
  fileSystems = {
    "/" = rootFileSystem;
  }
  // lib.optionalAttrs (cfg.useNixStoreImage && !cfg.writableStore) { "/nix/store" = storeImage; }
  // lib.optionalAttrs (cfg.useNixStoreImage && cfg.writableStore) {
    "/nix/.ro-store" = storeImage;
    "/nix/store" = {
      overlay = {
        lowerdir = [ "/nix/.ro-store" ];
        upperdir = "/nix/.rw-store/upper";
        workdir = "/nix/.rw-store/work";
      };
      neededForBoot = true;
    };
  }
  // lib.optionalAttrs (cfg.writableStore && cfg.writableStoreUseTmpfs) {
    "/nix/.rw-store" = {
      device = "tmpfs";
      fsType = "tmpfs";
      options = [ "mode=0755" ];
      neededForBoot = true;
    };
  };

  storeImage = {
    device = "/dev/disk/by-id/virtio-nix-store";
    fsType = "erofs";
    options = [ "ro" ];
    neededForBoot = true;
  };
in
{
  imports = [
    ./qemu-vm-options.nix
    ./qemu-vm-script.nix
    ../profiles/qemu-guest.nix
  ];

  config = {
    assertions = [
      {
        assertion = cfg.useNixStoreImage && !cfg.mountHostNixStore && cfg.sharedDirectories == { };
        message = ''
          virtualisation: the pocket's kernel cannot mount directories of the host. Keep useNixStoreImage on, mountHostNixStore
          off and sharedDirectories empty, or use a real nixpkgs (--nixpkgs PATH, NIX_PATH).'';
      }
      {
        assertion = !cfg.useBootLoader && !cfg.useEFIBoot;
        message = "virtualisation: the pocket's machines start their kernel directly; useBootLoader and useEFIBoot need a real nixpkgs (--nixpkgs PATH, NIX_PATH).";
      }
    ];

    # Hardware, disks and boot loader of the deployed machine are not there.
    fileSystems = lib.mkIf cfg.useDefaultFilesystems (mkVMOverride (fileSystems // cfg.fileSystems));
    swapDevices = mkVMOverride [ ];
    boot.initrd.luks.devices = lib.mkIf cfg.useDefaultFilesystems (mkVMOverride { });
    boot.initrd.supportedFilesystems = mkVMOverride { };
    boot.loader.grub.device = mkVMOverride "/dev/vda";
    boot.loader.supportsInitrdSecrets = mkVMOverride false;
    boot.initrd.secrets = mkVMOverride { };

    # The store image comes with its database.
    boot.postBootCommands = lib.mkIf config.nix.enable ''
      if [[ $(< /proc/cmdline) =~ regInfo=([^ ]*) && ! -e /nix/var/nix/db/db.sqlite ]]; then
        mkdir -p /nix/var/nix/db
        cp --no-preserve=mode "''${BASH_REMATCH[1]}"/* /nix/var/nix/db
      fi
    '';

    # The host keeps the guest's clock.
    services.timesyncd.enable = mkVMOverride false;
    networking.usePredictableInterfaceNames = false;
    networking.useDHCP = lib.mkDefault true;
    # Nobody else is on QEMU's network: asking whether the address is taken costs five seconds.
    networking.dhcpcd.extraConfig = "noarp";

    boot.kernelParams = [
      # An emulated processor on a busy host fails the kernel's test of its timer, and then crawls without that timer or panics.
      "no_timer_check"
      # Debian's kernel clears every page that it hands out, which an emulated processor takes a tenth of the boot for.
      "init_on_alloc=0"
    ];

    boot.initrd.kernelModules = [
      "virtio_balloon"
      "virtio_console"
      "virtio_rng"
      # Tells QEMU of a panic that the console does not show.
      "pvpanic-mmio"
    ];
    boot.initrd.availableKernelModules = [
      "virtio_net"
      "virtio_pci"
      "virtio_blk"
      "virtio_scsi"
    ];
  };
}
