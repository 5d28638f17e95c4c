# Files and directories that systemd-tmpfiles makes at boot and after a switch.
{
  config,
  lib,
  pkgs,
  ...
}:

let
  inherit (lib) mkOption types;
  cfg = config.systemd.tmpfiles;

  upstream = [
    "static-nodes-permissions.conf"
    "systemd-nologin.conf"
    "systemd-tmp.conf"
    "systemd.conf"
    "var.conf"
  ];

  # The distribution's own empties /tmp whenever the files are made again, so at a switch too.
  temporary = pkgs.writeText "tmp.conf" ''
    q /tmp 1777 root root 10d
    q /var/tmp 1777 root root 30d
  '';

  entry.options = {
    type = mkOption {
      type = types.str;
      description = "Kind of the line; taken from the attribute's name when not given.";
    };
    mode = mkOption {
      type = types.str;
      default = "-";
      description = "Access mode.";
    };
    user = mkOption {
      type = types.str;
      default = "-";
      description = "Owner.";
    };
    group = mkOption {
      type = types.str;
      default = "-";
      description = "Group.";
    };
    age = mkOption {
      type = types.str;
      default = "-";
      description = "Age after which contents are removed.";
    };
    argument = mkOption {
      type = types.str;
      default = "";
      description = "Argument of the line.";
    };
  };

  line =
    path: kind: given:
    lib.removeSuffix " " "'${kind}' '${path}' '${given.mode}' '${given.user}' '${given.group}' '${given.age}' ${given.argument}"
    + "\n";

  lines =
    paths:
    lib.concatStrings (
      lib.flatten (lib.mapAttrsToList (path: kinds: lib.mapAttrsToList (kind: given: line path given.type given) kinds) paths)
    );
in
{
  options.systemd.tmpfiles = {
    rules = mkOption {
      type = types.listOf types.str;
      default = [ ];
      description = "Lines of tmpfiles.d.";
    };
    settings = mkOption {
      type = types.attrsOf (
        types.attrsOf (
          types.attrsOf (
            types.submodule (
              { name, ... }:
              {
                options = entry.options;
                config.type = lib.mkDefault name;
              }
            )
          )
        )
      );
      default = { };
      description = "Lines of tmpfiles.d as file, path and kind.";
    };
    packages = mkOption {
      type = types.listOf types.package;
      default = [ ];
      description = "Packages with files under lib/tmpfiles.d.";
    };
  };

  config = {
    environment.etc = {
      "tmpfiles.d".source = pkgs.runCommand "tmpfiles.d" { preferLocalBuild = true; } ''
        mkdir $out
        cd $out
        for file in ${toString upstream}; do
          [ ! -e ${config.systemd.package}/lib/tmpfiles.d/$file ] || ln -s ${config.systemd.package}/lib/tmpfiles.d/$file
        done
        ${lib.concatMapStrings (package: ''
          [ ! -d ${package}/lib/tmpfiles.d ] || ln -s ${package}/lib/tmpfiles.d/*.conf .
        '') cfg.packages}
        ${lib.concatStrings (
          lib.mapAttrsToList (name: paths: ''
            ln -sf ${pkgs.writeText "${name}.conf" (lines paths)} ${lib.escapeShellArg "${name}.conf"}
          '') cfg.settings
        )}
        ln -s ${temporary} tmp.conf
        ln -s ${pkgs.writeText "00-nixos.conf" (lib.concatMapStrings (rule: "${rule}\n") cfg.rules)} 00-nixos.conf
      '';
    };

    systemd.services.systemd-tmpfiles-setup = {
      restartIfChanged = false;
    };
    systemd.services.systemd-tmpfiles-setup-dev.restartIfChanged = false;

    # What a switch runs again after it changed the files.
    systemd.services.systemd-tmpfiles-resetup = {
      description = "Re-setup tmpfiles on a system that is already running.";
      requiredBy = [ "sysinit-reactivation.target" ];
      after = [
        "local-fs.target"
        "systemd-sysctl.service"
        "systemd-journald.service"
      ];
      before = [
        "sysinit-reactivation.target"
        "shutdown.target"
      ];
      conflicts = [ "shutdown.target" ];
      restartTriggers = [ config.environment.etc."tmpfiles.d".source ];
      unitConfig.DefaultDependencies = false;
      serviceConfig = {
        Type = "oneshot";
        RemainAfterExit = true;
        ExecStart = "${config.systemd.package}/bin/systemd-tmpfiles --create --remove --exclude-prefix=/dev";
        SuccessExitStatus = "DATAERR CANTCREAT";
      };
    };

    systemd.targets.sysinit-reactivation = {
      description = "Reactivate sysinit units";
    };
  };
}
