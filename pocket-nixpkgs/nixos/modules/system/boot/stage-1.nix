# Stage 1: the initial ramdisk, with busybox, the modules of disks and file systems, and the script that mounts them.
{
  config,
  lib,
  pkgs,
  ...
}:

let
  inherit (lib) mkOption types;

  cfg = config.boot.initrd;

  hook =
    description:
    mkOption {
      type = types.lines;
      default = "";
      inherit description;
    };

  # A type of file system is the name of its module, but for these.
  moduleOf =
    fsType:
    {
      auto = [ ];
      none = [ ];
      proc = [ ];
      ramfs = [ ];
      sysfs = [ ];
      tmpfs = [ ];
      vfat = [
        "vfat"
        "nls_cp437"
        "nls_iso8859-1"
      ];
    }
    .${fsType} or [ fsType ];

  fileSystemModules = lib.concatMap moduleOf (
    lib.unique (map (each: each.fsType) config.system.build.initialFileSystems)
  );

  modules = pkgs.makeModulesClosure {
    kernel = lib.head config.system.modulesTree;
    rootModules = lib.unique (cfg.availableKernelModules ++ cfg.kernelModules ++ fileSystemModules);
    allowMissing = true;
  };

  # Options that speak to systemd or to fstab's readers, not to mount.
  mountOptions =
    each:
    let
      inTarget =
        option:
        lib.replaceStrings
          [ "lowerdir=/" ":/" "upperdir=/" "workdir=/" ]
          [ "lowerdir=/mnt-root/" ":/mnt-root/" "upperdir=/mnt-root/" "workdir=/mnt-root/" ]
          option;
      kept = lib.filter (
        option:
        !lib.hasPrefix "x-" option
        && !lib.elem option [
          "defaults"
          "nofail"
          "noauto"
          "auto"
        ]
      ) each.options;
    in
    lib.concatStringsSep "," (
      [ (if lib.elem "ro" kept then "ro" else "rw") ]
      ++ map (if each.fsType == "overlay" then inTarget else (option: option)) (lib.remove "ro" (lib.remove "rw" kept))
    );

  mountCommand =
    each:
    "mountFileSystem ${
      lib.escapeShellArgs [
        (if each.device == null then each.fsType else each.device)
        each.mountPoint
        each.fsType
        (mountOptions each)
      ]
    }";

  programs = pkgs.runCommand "stage-1-programs" { preferLocalBuild = true; } ''
    mkdir -p $out/bin
    cp ${pkgs.busybox}/bin/busybox $out/bin/busybox
    for name in $($out/bin/busybox --list); do
      [ -e $out/bin/$name ] || ln -s busybox $out/bin/$name
    done
  '';

  luksNames = lib.attrNames cfg.luks.devices;

  init = pkgs.writeTextFile {
    name = "stage-1-init.sh";
    executable = true;
    text =
      lib.replaceStrings
        [
          "@kernelModules@"
          "@runtimeLinks@"
          "@preDeviceCommands@"
          "@mountCommands@"
          "@postMountCommands@"
        ]
        [
          (toString (lib.unique cfg.kernelModules))
          # What is compiled into programs as the folder of modules is another one in stage 2.
          (lib.concatStrings (
            lib.mapAttrsToList (link: target: ''
              mkdir -p ${dirOf link}
              ln -sfn /lib/modules ${link}
            '') (lib.filterAttrs (_: target: lib.hasSuffix "/lib/modules" target) config.system.runtimeLinks)
          ))
          cfg.preDeviceCommands
          (lib.concatStringsSep "\n" (
            lib.optional (luksNames != [ ]) ''
              echo "The pocket's stage 1 cannot open encrypted devices: ${toString luksNames}"
              fail
            ''
            ++ [ cfg.postDeviceCommands ]
            ++ map mountCommand config.system.build.initialFileSystems
          ))
          cfg.postMountCommands
        ]
        (builtins.readFile ./stage-1-init.sh);
  };
in
{
  options.boot.initrd = {
    preDeviceCommands = hook "Shell text that runs before devices are looked for.";
    postDeviceCommands = hook "Shell text that runs before file systems are mounted.";
    postMountCommands = hook "Shell text that runs after file systems were mounted.";
    verbose = mkOption {
      type = types.bool;
      default = true;
      description = "Accepted; stage 1 says what it does.";
    };
    supportedFilesystems = mkOption {
      type = with types; coercedTo (listOf str) (names: lib.genAttrs names (_: true)) (attrsOf bool);
      default = { };
      description = "Further file systems whose modules stage 1 has.";
    };
    secrets = mkOption {
      type = with types; attrsOf (nullOr path);
      default = { };
      description = "Accepted; no boot loader adds them.";
    };
    checkJournalingFS = mkOption {
      type = types.bool;
      default = true;
      description = "Accepted; the kernel replays the journal when stage 1 mounts.";
    };
    systemd.enable = mkOption {
      type = types.bool;
      default = false;
      description = "Whether stage 1 is systemd's. The pocket has the scripted one only.";
    };
    luks.devices = mkOption {
      type = types.attrsOf types.attrs;
      default = { };
      description = "Encrypted devices. A virtual machine does without; the system's own stage 1 stops and says that it cannot open them.";
    };
  };

  config = lib.mkIf cfg.enable {
    assertions = [
      {
        assertion = !cfg.systemd.enable;
        message = "boot.initrd.systemd.enable: the pocket has the scripted stage 1 only. Use a real nixpkgs (--nixpkgs PATH, NIX_PATH).";
      }
    ];

    boot.initrd.availableKernelModules = lib.concatMap moduleOf (
      lib.attrNames (lib.filterAttrs (_: wanted: wanted) cfg.supportedFilesystems)
    );

    system.build.bootStage1 = init;
    system.build.initialRamdisk = pkgs.makeInitrd {
      name = "initrd";
      contents = [
        {
          object = init;
          symlink = "/init";
        }
        {
          object = "${programs}/bin";
          symlink = "/bin";
        }
        {
          object = "${modules}/lib";
          symlink = "/lib";
        }
      ];
    };
  };
}
