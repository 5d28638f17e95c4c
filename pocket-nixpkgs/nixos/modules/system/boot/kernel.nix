# The kernel: which one, its parameters, its modules.
{
  config,
  lib,
  pkgs,
  ...
}:

let
  inherit (lib) mkOption types;
  cfg = config.boot;

  moduleList =
    description:
    mkOption {
      type = types.listOf types.str;
      default = [ ];
      inherit description;
    };
in
{
  options.boot = {
    isContainer = mkOption {
      type = types.bool;
      default = false;
      description = "Whether the system is a container, without a kernel of its own.";
    };
    kernelPackages = mkOption {
      type = types.raw or types.unspecified;
      default = pkgs.linuxPackages;
      defaultText = "pkgs.linuxPackages";
      description = "The kernel and what is built for it. The pocket has the host distribution's kernel only.";
    };
    kernelParams = mkOption {
      type = types.listOf types.str;
      default = [ ];
      description = "Parameters of the kernel's command line.";
    };
    kernelModules = moduleList "Modules that are loaded in stage 2.";
    extraModulePackages = mkOption {
      type = types.listOf types.package;
      default = [ ];
      description = "Packages with further modules.";
    };
    blacklistedKernelModules = moduleList "Modules that udev does not load.";
    extraModprobeConfig = mkOption {
      type = types.lines;
      default = "";
      description = "Further lines of modprobe.conf.";
    };
    consoleLogLevel = mkOption {
      type = types.int;
      default = 4;
      description = "Kernel messages of a lower level than this reach the console.";
    };
    crashDump.enable = mkOption {
      type = types.enum [ false ];
      default = false;
      description = "Not in the pocket.";
    };
    kernel = {
      enable = mkOption {
        type = types.bool;
        default = !cfg.isContainer;
        internal = true;
        description = "Whether the system has a kernel.";
      };
      sysctl = mkOption {
        type =
          with types;
          attrsOf (nullOr (oneOf [
            bool
            str
            int
          ]));
        default = { };
        description = "Kernel settings under /proc/sys.";
      };
    };
    initrd = {
      enable = mkOption {
        type = types.bool;
        default = !cfg.isContainer;
        description = "Whether there is an initial ramdisk.";
      };
      availableKernelModules = moduleList "Modules that stage 1 loads when the hardware asks for them.";
      kernelModules = moduleList "Modules that stage 1 loads in any case.";
      includeDefaultModules = mkOption {
        type = types.bool;
        default = true;
        description = "Whether stage 1 has the modules of common disks.";
      };
    };
    hardwareScan = mkOption {
      type = types.enum [ true ];
      default = true;
      description = "Whether udev loads modules for the hardware that it finds; in the pocket it always does.";
    };
  };

  config = lib.mkIf cfg.kernel.enable {
    assertions = [
      {
        assertion = cfg.extraModulePackages == [ ];
        message = "boot.extraModulePackages: the pocket has the modules of its kernel only. Use a real nixpkgs (--nixpkgs PATH, NIX_PATH).";
      }
    ];

    system.build.kernel = cfg.kernelPackages.kernel;
    system.modulesTree = [ cfg.kernelPackages.kernel ];

    boot = {
      kernelModules = [ "loop" ];
      kernelParams = [ "loglevel=${toString cfg.consoleLogLevel}" ];
      kernel.sysctl = {
        "kernel.printk" = lib.mkDefault cfg.consoleLogLevel;
        "fs.protected_hardlinks" = lib.mkDefault 1;
        "fs.protected_symlinks" = lib.mkDefault 1;
        "kernel.kptr_restrict" = lib.mkDefault 1;
        "net.ipv4.ping_group_range" = lib.mkDefault "0 2147483647";
      };
      initrd.kernelModules = lib.optional cfg.initrd.includeDefaultModules "dm_mod";
      initrd.availableKernelModules = lib.optionals cfg.initrd.includeDefaultModules [
        "ahci"
        "nvme"
        "sd_mod"
        "sr_mod"
        "virtio_blk"
        "virtio_pci"
        "virtio_scsi"
      ];
    };

    environment.etc = {
      "modules-load.d/nixos.conf".text = lib.concatMapStrings (module: "${module}\n") cfg.kernelModules;
      "sysctl.d/60-nixos.conf".text = lib.concatStrings (
        lib.mapAttrsToList (
          name: value:
          lib.optionalString (value != null) "${name}=${if value == false then "0" else toString value}\n"
        ) cfg.kernel.sysctl
      );
      # Loop devices come when they are asked for: eight of them from the start delay each boot and each user's session.
      "modprobe.d/nixos.conf".text = ''
        options loop max_loop=0
        ${lib.concatMapStrings (module: "blacklist ${module}\n") cfg.blacklistedKernelModules}
        ${cfg.extraModprobeConfig}
      '';
    };

    environment.systemPackages = [ pkgs.kmod ];

    systemd.services.systemd-modules-load = {
      restartTriggers = [ config.environment.etc."modules-load.d/nixos.conf".source ];
      serviceConfig.SuccessExitStatus = "0 1"; # a module that this kernel lacks is no failure of the machine
    };
    systemd.services.systemd-sysctl.restartTriggers = [ config.environment.etc."sysctl.d/60-nixos.conf".source ];

    # The kernel asks for modules by this path.
    system.activationScripts.modprobe.text = ''
      echo ${pkgs.kmod}/bin/modprobe > /proc/sys/kernel/modprobe
    '';
  };

  options.system.modulesTree = mkOption {
    type = types.listOf types.path;
    default = [ ];
    internal = true;
    description = "Trees of kernel modules; the first is used.";
  };
}
