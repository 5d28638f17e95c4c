# Stage 2: the script that a machine's root file system starts with.
{
  config,
  lib,
  pkgs,
  ...
}:

let
  inherit (lib) mkOption types;

  cfg = config.boot;

  # What the host distribution compiled into its programs stands here, in place of /usr/lib and the like: one folder of
  # links in the store for each folder that has some.
  folders = lib.groupBy (link: dirOf link) (lib.attrNames config.system.runtimeLinks);
  runtimeLinks = lib.concatStrings (
    lib.mapAttrsToList (
      folder: links:
      let
        tree = pkgs.runCommand "runtime-links" { preferLocalBuild = true; } ''
          mkdir $out
          ${lib.concatMapStrings (link: "ln -s ${config.system.runtimeLinks.${link}} $out/${baseNameOf link}\n") links}
        '';
      in
      ''
        rm -rf ${folder}
        ln -s ${tree} ${folder}
      ''
    ) folders
  );

  environment = lib.concatStringsSep " " (
    lib.mapAttrsToList (name: value: "${name}=${lib.escapeShellArg value}") (
      lib.filterAttrs (_: value: value != null) {
        inherit (config.systemd.globalEnvironment) LOCALE_ARCHIVE TZDIR;
      }
    )
  );
in
{
  imports = [
    (lib.mkRenamedOptionModule [ "boot" "tmpOnTmpfs" ] [ "boot" "tmp" "useTmpfs" ])
    (lib.mkRenamedOptionModule [ "boot" "tmpOnTmpfsSize" ] [ "boot" "tmp" "tmpfsSize" ])
    (lib.mkRenamedOptionModule [ "boot" "cleanTmpDir" ] [ "boot" "tmp" "cleanOnBoot" ])
  ];

  options = {
    boot = {
      postBootCommands = mkOption {
        type = types.lines;
        default = "";
        description = "Shell text that runs just before systemd.";
      };
      extraSystemdUnitPaths = mkOption {
        type = types.listOf types.str;
        default = [ ];
        description = "Further directories with units.";
      };
      growPartition = mkOption {
        type = types.bool;
        default = false;
        description = "Accepted; a virtual machine's root has no partition.";
      };
      tmp = {
        useTmpfs = mkOption {
          type = types.bool;
          default = false;
          description = "Whether /tmp lives in memory.";
        };
        tmpfsSize = mkOption {
          type = with types; either str ints.positive;
          default = "50%";
          description = "Size of that memory.";
        };
        cleanOnBoot = mkOption {
          type = types.bool;
          default = false;
          description = "Whether /tmp is emptied at each boot.";
        };
      };
    };

    system.runtimeLinks = mkOption {
      type = types.attrsOf types.str;
      default = { };
      internal = true;
      description = "Links that every boot makes before anything else runs.";
    };
  };

  config = {
    system.runtimeLinks = pkgs.pocket.runtimeLinks or { };

    systemd.mounts = lib.optional cfg.tmp.useTmpfs {
      what = "tmpfs";
      where = "/tmp";
      type = "tmpfs";
      mountConfig.Options = "mode=1777,strictatime,rw,nosuid,nodev,size=${toString cfg.tmp.tmpfsSize}";
      unitConfig.DefaultDependencies = false;
      before = [
        "local-fs.target"
        "umount.target"
      ];
      conflicts = [ "umount.target" ];
      wantedBy = [ "local-fs.target" ];
    };

    system.build.bootStage2 = pkgs.writeTextFile {
      name = "stage-2-init.sh";
      executable = true;
      text =
        lib.replaceStrings
          [
            "@shell@"
            "@path@"
            "@cleanTmp@"
            "@runtimeLinks@"
            "@postBootCommands@"
            "@systemdPath@"
            "@systemdEnvironment@"
          ]
          [
            "${pkgs.bash}/bin/bash"
            (lib.makeBinPath [
              pkgs.coreutils
              pkgs.util-linux
            ])
            (lib.optionalString cfg.tmp.cleanOnBoot ''
              echo "cleaning \`/tmp'..."
              find /tmp -mindepth 1 -xdev -delete
            '')
            runtimeLinks
            cfg.postBootCommands
            (lib.makeBinPath (config.system.fsPackages ++ [ pkgs.util-linux ]))
            environment
          ]
          (builtins.readFile ./stage-2-init.sh);
    };
  };
}
