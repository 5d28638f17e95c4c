# File systems: what stage 1 mounts, and /etc/fstab for the rest.
{
  config,
  lib,
  pkgs,
  ...
}:

let
  inherit (lib) mkOption types;

  escapePath = import ../system/boot/systemd/escape-path.nix { inherit lib; };

  # Without these there is no system to go on with.
  pathsNeededForBoot = [
    "/"
    "/nix"
    "/nix/store"
    "/var"
    "/var/log"
    "/var/lib"
    "/var/lib/nixos"
    "/etc"
    "/usr"
  ];

  fileSystem =
    { name, config, ... }:
    {
      options = {
        enable = mkOption {
          type = types.bool;
          default = true;
          description = "Whether the file system is mounted at all.";
        };
        mountPoint = mkOption {
          type = types.str;
          description = "Where it is mounted.";
        };
        device = mkOption {
          type = types.nullOr types.str;
          default = null;
          description = "Device that carries it.";
        };
        label = mkOption {
          type = types.nullOr types.str;
          default = null;
          description = "Label that it is found by.";
        };
        fsType = mkOption {
          type = types.str;
          default = "auto";
          description = "Its type.";
        };
        options = mkOption {
          type = types.listOf types.str;
          default = [ "defaults" ];
          description = "Mount options.";
        };
        depends = mkOption {
          type = types.listOf types.str;
          default = [ ];
          description = "Paths that are mounted before it.";
        };
        neededForBoot = mkOption {
          type = types.bool;
          default = false;
          description = "Whether stage 1 mounts it.";
        };
        autoFormat = mkOption {
          type = types.bool;
          default = false;
          description = "Whether an empty device is formatted.";
        };
        formatOptions = mkOption {
          type = types.nullOr types.str;
          default = null;
          description = "Options of mkfs.";
        };
        autoResize = mkOption {
          type = types.bool;
          default = false;
          description = "Whether it grows to its device's size.";
        };
        noCheck = mkOption {
          type = types.bool;
          default = false;
          description = "Whether fsck leaves it alone.";
        };
        overlay = lib.genAttrs [ "upperdir" "workdir" ] (
          part:
          mkOption {
            type = types.nullOr types.str;
            default = null;
            description = "The overlay's ${part}.";
          }
        ) // {
          lowerdir = mkOption {
            type = types.nullOr (types.listOf types.str);
            default = null;
            description = "The overlay's lower directories.";
          };
        };
      };

      config = lib.mkMerge [
        { mountPoint = lib.mkDefault name; }
        (lib.mkIf (config.label != null) { device = lib.mkDefault "/dev/disk/by-label/${config.label}"; })
        (lib.mkIf (lib.elem config.mountPoint pathsNeededForBoot) { neededForBoot = lib.mkDefault true; })
        (lib.mkIf (config.autoFormat) { options = [ "x-systemd.makefs" ]; })
        (lib.mkIf (config.autoResize) { options = [ "x-systemd.growfs" ]; })
        (lib.mkIf (config.overlay.lowerdir != null) {
          fsType = lib.mkDefault "overlay";
          device = lib.mkDefault "overlay";
          depends = config.overlay.lowerdir ++ lib.optionals (config.overlay.upperdir != null) [
            config.overlay.upperdir
            config.overlay.workdir
          ];
          options = [
            "lowerdir=${lib.concatStringsSep ":" config.overlay.lowerdir}"
          ]
          ++ lib.optionals (config.overlay.upperdir != null) [
            "upperdir=${config.overlay.upperdir}"
            "workdir=${config.overlay.workdir}"
          ];
        })
      ];
    };

  within = path: parent: parent == "/" || path == parent || lib.hasPrefix "${parent}/" path;

  mountedBefore =
    first: second:
    first.mountPoint != second.mountPoint
    && (within second.mountPoint first.mountPoint || lib.any (path: within path first.mountPoint) second.depends);

  inMountOrder =
    systems:
    let
      sorted = lib.toposort mountedBefore systems;
    in
    sorted.result or (throw "The file systems' `depends' lead in a circle.");

  fileSystems = inMountOrder (lib.filter (each: each.enable) (lib.attrValues config.fileSystems));

  escape = lib.replaceStrings [ " " "\t" ] [ "\\040" "\\011" ];

  networkTypes = [
    "nfs"
    "nfs4"
    "cifs"
  ];

  checkOrder =
    each:
    if each.noCheck || each.neededForBoot || lib.elem each.fsType [ "none" "tmpfs" "overlay" "erofs" "auto" ] then
      "0"
    else
      "2";

  fstabLine =
    each:
    lib.concatStringsSep " " [
      (escape (if each.device == null then each.fsType else each.device))
      (escape each.mountPoint)
      each.fsType
      (escape (lib.concatStringsSep "," (lib.unique each.options)))
      "0"
      (checkOrder each)
    ]
    + "\n";

  swapLine =
    swap:
    lib.concatStringsSep " " [
      (escape swap.device)
      "none"
      "swap"
      (lib.concatStringsSep "," (
        swap.options ++ lib.optional (swap.priority != null) "pri=${toString swap.priority}"
      ))
      "0"
      "0"
    ]
    + "\n";
in
{
  options = {
    fileSystems = mkOption {
      type = types.attrsOf (types.submodule fileSystem);
      default = { };
      description = "The file systems to mount, by mount point.";
    };

    system.fsPackages = mkOption {
      type = types.listOf types.package;
      default = [ ];
      internal = true;
      description = "Packages with helpers that mount and check file systems.";
    };

    boot.supportedFilesystems = mkOption {
      type =
        with types;
        coercedTo (listOf str) (names: lib.genAttrs names (_: true)) (attrsOf bool);
      default = { };
      description = "File systems that can be mounted beside those of fileSystems.";
    };

    boot.specialFileSystems = mkOption {
      type = types.attrsOf (types.submodule fileSystem);
      default = { };
      internal = true;
      description = "Kernel file systems that are mounted before anything else.";
    };
  };

  config = {
    assertions = [
      {
        assertion = config.boot.isContainer || config.fileSystems ? "/";
        message = "The ‘fileSystems’ option does not specify your root file system.";
      }
    ]
    ++ map (each: {
      assertion = each.device != null || lib.elem each.fsType [ "tmpfs" "overlay" "none" ] || !each.neededForBoot;
      message = "The file system `${each.mountPoint}' has neither a device nor a label.";
    }) fileSystems;

    system.build.fileSystems = fileSystems;
    system.build.initialFileSystems = lib.filter (each: each.neededForBoot) fileSystems;

    system.fsPackages = [ pkgs.e2fsprogs ];
    environment.systemPackages = config.system.fsPackages;

    environment.etc.fstab.text = ''
      # Made from the options fileSystems and swapDevices; changes made here are lost.
      ${lib.concatMapStrings fstabLine fileSystems}
      ${lib.concatMapStrings swapLine config.swapDevices}
    '';

    # Programs run from there until the very end: stopping the machine must not try to unmount it.
    systemd.units = lib.listToAttrs (
      map (
        each:
        lib.nameValuePair "${escapePath each.mountPoint}.mount" {
          overrideStrategy = "asDropin";
          text = ''
            [Unit]
            DefaultDependencies=no
          '';
        }
      ) (lib.filter (each: within each.mountPoint "/nix") config.system.build.initialFileSystems)
    );

    systemd.targets.network-online.wantedBy =
      lib.mkIf (lib.any (each: lib.elem each.fsType networkTypes) fileSystems) [ "remote-fs.target" ];
  };
}
