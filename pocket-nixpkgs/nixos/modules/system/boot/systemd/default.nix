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

  unitOptions = import ./unit-options.nix { inherit lib pkgs; };
  unitText = import ./unit-text.nix { inherit lib pkgs; };
  unitTree = import ./unit-tree.nix { inherit lib pkgs; };
  escapePath = import ./escape-path.nix { inherit lib; };
  upstream = import ./upstream.nix { inherit lib pkgs; };

  kinds = {
    services = {
      options = unitOptions.service;
      suffix = "service";
      text = unitText.service cfg.globalEnvironment;
    };
    sockets = {
      options = unitOptions.socket;
      suffix = "socket";
      text = unitText.socket;
    };
    timers = {
      options = unitOptions.timer;
      suffix = "timer";
      text = unitText.timer;
    };
    paths = {
      options = unitOptions.path;
      suffix = "path";
      text = unitText.path;
    };
    slices = {
      options = unitOptions.slice;
      suffix = "slice";
      text = unitText.slice;
    };
    targets = {
      options = unitOptions.target;
      suffix = "target";
      text = unitText.target;
    };
  };

  unitsOption =
    kind: options:
    mkOption {
      type = types.attrsOf (types.submodule [ unitOptions.common options ]);
      default = { };
      description = "Units of the kind ${kind}.";
    };

  kindOptions = lib.mapAttrs (kind: { options, ... }: unitsOption kind options) kinds;

  mountOption =
    kind: options:
    mkOption {
      type = types.listOf (types.submodule [ unitOptions.common options ]);
      default = [ ];
      description = "Units of the kind ${kind}; their names follow from where they mount.";
    };

  treeEntry = text: unit: {
    inherit text;
    inherit (unit)
      enable
      overrideStrategy
      wantedBy
      requiredBy
      upheldBy
      aliases
      ;
  };

  unitsOf =
    from: kind:
    let
      inherit (kinds.${kind}) suffix text;
    in
    lib.mapAttrs' (name: unit: lib.nameValuePair "${name}.${suffix}" (treeEntry (text name unit) unit)) from.${kind};

  mountUnits =
    suffix: text: mounts:
    lib.listToAttrs (
      map (unit: lib.nameValuePair "${escapePath unit.where}.${suffix}" (treeEntry (text unit.where unit) unit)) mounts
    );

  allUnits = from: lib.foldl' (units: kind: units // unitsOf from kind) { } (lib.attrNames kinds);

  rawUnit = types.submodule {
    options = unitOptions.common.options // {
      text = mkOption {
        type = types.lines;
        default = "";
        description = "Text of the unit file.";
      };
    };
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
    (lib.mkRenamedOptionModule [ "systemd" "watchdog" "runtimeTime" ] [ "systemd" "settings" "Manager" "RuntimeWatchdogSec" ])
    (lib.mkRenamedOptionModule [ "systemd" "watchdog" "rebootTime" ] [ "systemd" "settings" "Manager" "RebootWatchdogSec" ])
  ];

  options.systemd = kindOptions // {
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
      type = types.attrsOf rawUnit;
      default = { };
      description = "Units given as the text of their files.";
    };
    mounts = mountOption "mount" unitOptions.mount;
    automounts = mountOption "automount" unitOptions.automount;
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
      type = types.attrsOf unitOptions.setting;
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

    user = lib.getAttrs [ "services" "sockets" "timers" "paths" "slices" "targets" ] kindOptions // {
      units = mkOption {
        type = types.attrsOf rawUnit;
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
        allUnits cfg
        // mountUnits "mount" unitText.mount cfg.mounts
        // mountUnits "automount" unitText.automount cfg.automounts;
      user.units = allUnits cfg.user;

      services.emergency = lib.mkIf (!cfg.enableEmergencyMode) { enable = false; };

      # A switch starts what a target newly wants; these are left as they are.
      targets.local-fs.unitConfig.X-StopOnReconfiguration = true;
      targets.remote-fs.unitConfig.X-StopOnReconfiguration = true;

      services.systemd-remount-fs = {
        restartIfChanged = false;
        unitConfig.ConditionPathExists = [ "/etc/fstab" ];
      };
      services.systemd-random-seed.restartIfChanged = false;
      services."user@".restartIfChanged = false;
      services."user-runtime-dir@".restartIfChanged = false;
      # Most of what a kernel announces needs no rules: without those, coldplug takes a third of the time.
      services.systemd-udev-trigger.serviceConfig.ExecStart =
        let
          trigger = "-${cfg.package}/bin/udevadm trigger --action=add";
          unmatched = lib.concatMapStrings (subsystem: " --subsystem-nomatch=${subsystem}") [
            "acpi"
            "bdi"
            "clockevents"
            "clocksource"
            "cpu"
            "event_source"
            "machinecheck"
            "memory"
            "memory_tiering"
            "module"
            "node"
            "platform"
            "pnp"
            "tty"
            "vc"
            "wakeup"
            "workqueue"
          ];
        in
        [
          ""
          "${trigger} --type=devices${unmatched}"
          "${trigger} --type=devices --subsystem-match=tty --sysname-match=ttyS[0-3] --sysname-match=hvc* --sysname-match=console --sysname-match=tty1"
        ];

      services."systemd-udev-settle".restartIfChanged = false;
      services.systemd-user-sessions.restartIfChanged = false;
      services.systemd-update-utmp.restartIfChanged = false;
      services.systemd-logind = {
        restartIfChanged = false;
        # The bus is pulled in by dbus.socket; logind must not be passed over because it is not there yet.
        unitConfig.StartLimitIntervalSec = 0;
      };

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
      "systemd/system-preset/00-nixos.preset".text = "ignore *\n";
      "systemd/system.conf".text = keyValueFile "Manager" (lib.filterAttrs (_: value: value != null) cfg.settings.Manager) cfg.extraConfig;
      "systemd/user.conf".text = keyValueFile "Manager" { } cfg.user.extraConfig;
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
