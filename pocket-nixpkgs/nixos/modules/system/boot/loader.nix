# Boot loaders: accepted, checked as NixOS checks them, never installed. The pocket's machines start their kernel directly.
{ config, lib, ... }:

let
  inherit (lib) mkOption types;

  flag =
    default:
    mkOption {
      type = types.bool;
      inherit default;
      description = "Accepted; the pocket installs no boot loader.";
    };

  accepted =
    type: default:
    mkOption {
      inherit type default;
      description = "Accepted; the pocket installs no boot loader.";
    };

  cfg = config.boot.loader;
in
{
  imports = [
    (lib.mkRenamedOptionModule [ "boot" "loader" "gummiboot" "enable" ] [ "boot" "loader" "systemd-boot" "enable" ])
    (lib.mkRenamedOptionModule [ "boot" "loader" "grub" "timeout" ] [ "boot" "loader" "timeout" ])
  ];

  options.boot.loader = {
    timeout = accepted (types.nullOr types.int) 5;
    external.enable = flag false;
    initScript.enable = flag false;
    generic-extlinux-compatible.enable = flag false;

    grub = {
      enable = flag (!config.boot.isContainer && !cfg.systemd-boot.enable && !cfg.generic-extlinux-compatible.enable);
      version = accepted types.int 2;
      device = accepted types.str "";
      devices = accepted (types.listOf types.str) [ ];
      mirroredBoots = accepted (types.listOf types.attrs) [ ];
      efiSupport = flag false;
      efiInstallAsRemovable = flag false;
      useOSProber = flag false;
      enableCryptodisk = flag false;
      copyKernels = flag false;
      zfsSupport = flag false;
      forceInstall = flag false;
      memtest86.enable = flag false;
      configurationLimit = accepted types.int 100;
      default = accepted (types.either types.int types.str) "0";
      extraConfig = accepted types.lines "";
      extraEntries = accepted types.lines "";
      gfxmodeBios = accepted types.str "1024x768";
      gfxmodeEfi = accepted types.str "auto";
      splashImage = accepted (types.nullOr types.path) null;
      theme = accepted (types.nullOr types.path) null;
      timeoutStyle = accepted types.str "menu";
    };

    systemd-boot = {
      enable = flag false;
      editor = flag true;
      configurationLimit = accepted (types.nullOr types.int) null;
      consoleMode = accepted types.str "keep";
      memtest86.enable = flag false;
    };

    efi = {
      canTouchEfiVariables = flag false;
      efiSysMountPoint = accepted types.str "/boot";
    };

    supportsInitrdSecrets = mkOption {
      type = types.bool;
      default = false;
      internal = true;
      description = "Whether the boot loader can add secrets to the initial ramdisk.";
    };
  };

  config = {
    boot.loader.grub.devices = lib.mkIf (cfg.grub.device != "") [ cfg.grub.device ];

    assertions = [
      {
        assertion = cfg.grub.enable -> (cfg.grub.devices != [ ] || cfg.grub.mirroredBoots != [ ]);
        message = "You must set the option ‘boot.loader.grub.devices’ or 'boot.loader.grub.mirroredBoots' to make the system bootable.";
      }
    ];

    system.boot.loader.id = lib.mkDefault (
      if cfg.systemd-boot.enable then
        "systemd-boot"
      else if cfg.grub.enable then
        "grub"
      else
        "none"
    );
  };

  options.system.boot.loader = lib.mapAttrs (
    name: default:
    mkOption {
      type = types.str;
      inherit default;
      internal = true;
      description = "The boot loader's ${name}.";
    }
  ) {
    id = "none";
    kernelFile = "bzImage";
    initrdFile = "initrd";
  };
}
