# systemd: its options, and the tree of unit files under /etc/systemd.
{
  config,
  lib,
  pkgs,
  ...
}:

let
  inherit (lib) mkOption types;

  cfg = config.systemd;

  unitTree = import ./unit-tree.nix { inherit lib pkgs; };
  upstream = import ./upstream.nix { inherit lib pkgs; };
  kinds = import ./kinds.nix {
    inherit lib pkgs;
    inherit (cfg) globalEnvironment;
  };

  startTimers = lib.mapAttrs (_: service: {
    wantedBy = [ "timers.target" ];
    timerConfig.OnCalendar = service.startAt;
  }) (lib.filterAttrs (_: service: service.enable && service.startAt != [ ]) cfg.services);

  keyValueFile = section: settings: extra: ''
    [${section}]
    ${lib.concatStrings (
      lib.mapAttrsToList (
        name: value: "${name}=${if lib.isBool value then lib.boolToString value else toString value}\n"
      ) settings
    )}${extra}'';

  generators = [
    "systemd-debug-generator"
    "systemd-fstab-generator"
    "systemd-getty-generator"
  ];
in
{
  imports = [
    ./amendments.nix
    ./tmpfiles.nix
    (lib.mkRenamedOptionModule [ "systemd" "watchdog" "runtimeTime" ] [ "systemd" "settings" "Manager" "RuntimeWatchdogSec" ])
    (lib.mkRenamedOptionModule [ "systemd" "watchdog" "rebootTime" ] [ "systemd" "settings" "Manager" "RebootWatchdogSec" ])
  ];

  options.systemd = kinds.options // {
    package = mkOption {
      type = types.package;
      default = pkgs.systemd;
      defaultText = "pkgs.systemd";
      description = "The systemd to run.";
    };
    packages = mkOption {
      type = types.listOf types.package;
      default = [ ];
      description = "Packages that bring units.";
    };
    units = mkOption {
      type = types.attrsOf kinds.raw;
      default = { };
      description = "Units given as the text of their files.";
    };
    inherit (kinds) mounts automounts;
    defaultUnit = mkOption {
      type = types.str;
      default = "multi-user.target";
      description = "What a boot starts.";
    };
    ctrlAltDelUnit = mkOption {
      type = types.str;
      default = "reboot.target";
      description = "What Ctrl-Alt-Del starts.";
    };
    globalEnvironment = mkOption {
      type =
        with types;
        attrsOf (nullOr (oneOf [
          str
          path
          package
        ]));
      default = { };
      description = "Environment of every service.";
    };
    managerEnvironment = mkOption {
      type = with types; attrsOf (nullOr str);
      default = { };
      description = "Environment of systemd itself.";
    };
    extraConfig = mkOption {
      type = types.lines;
      default = "";
      description = "Further lines of system.conf's section [Manager].";
    };
    settings.Manager = mkOption {
      type = types.attrsOf kinds.setting;
      default = { };
      description = "Settings of system.conf's section [Manager].";
    };
    suppressedSystemUnits = mkOption {
      type = types.listOf types.str;
      default = [ ];
      description = "Packaged units that are left out.";
    };
    enableEmergencyMode = mkOption {
      type = types.bool;
      default = true;
      description = "Whether a boot that cannot go on ends in the emergency shell.";
    };

    user = lib.getAttrs [ "services" "sockets" "timers" "paths" "slices" "targets" ] kinds.options // {
      units = mkOption {
        type = types.attrsOf kinds.raw;
        default = { };
        description = "Units of the users' own managers, given as text.";
      };
      extraConfig = mkOption {
        type = types.lines;
        default = "";
        description = "Further lines of user.conf's section [Manager].";
      };
    };
  };

  config = {
    system.build.units = unitTree {
      name = "system-units";
      packages = [ upstream ] ++ cfg.packages;
      units = cfg.units;
      suppressed = cfg.suppressedSystemUnits;
      links = {
        "default.target" = cfg.defaultUnit;
        "ctrl-alt-del.target" = cfg.ctrlAltDelUnit;
      };
    };

    systemd = {
      timers = startTimers;

      units =
        kinds.units cfg // kinds.mountUnits cfg.mounts // kinds.automountUnits cfg.automounts;
      user.units = kinds.units cfg.user;

      globalEnvironment = {
        LOCALE_ARCHIVE = lib.mkDefault null;
        TZDIR = lib.mkDefault "/etc/zoneinfo";
      };

      settings.Manager = {
        ManagerEnvironment = lib.mkIf (cfg.managerEnvironment != { }) (
          lib.concatStringsSep " " (lib.mapAttrsToList (name: value: "${name}=${toString value}") cfg.managerEnvironment)
        );
        DefaultEnvironment = lib.mkDefault "PATH=/run/wrappers/bin:/run/current-system/sw/bin";
        StatusUnitFormat = lib.mkDefault "description";
      };
    };

    environment.systemPackages = [ cfg.package ];

    environment.etc = {
      "systemd/system".source = config.system.build.units;
      "systemd/user".source = unitTree {
        name = "user-units";
        packages = [ upstream ] ++ cfg.packages;
        packageFolder = "user";
        units = cfg.user.units;
      };
      "systemd/system-preset/00-nixos.preset".text = "disable *\n";
      "systemd/system.conf".text = keyValueFile "Manager" (lib.filterAttrs (_: value: value != null) cfg.settings.Manager) cfg.extraConfig;
      "systemd/user.conf".text = keyValueFile "Manager" { inherit (cfg.settings.Manager) DefaultEnvironment; } cfg.user.extraConfig;
    }
    // lib.listToAttrs (
      map (
        generator:
        lib.nameValuePair "systemd/system-generators/${generator}" {
          source = "${cfg.package}/lib/systemd/system-generators/${generator}";
        }
      ) generators
    );
  };
}
