# The options of one unit: what every kind shares, and what each kind adds.
{ lib, pkgs }:

let
  inherit (lib)
    mkDefault
    mkEnableOption
    mkIf
    mkMerge
    mkOption
    mkOptionType
    types
    ;

  # A setting of a unit file: one value, or several that become several lines.
  settingValue =
    with types;
    nullOr (oneOf [
      bool
      int
      float
      str
      path
      package
    ]);

  # Definitions of one setting are lists that add up, or single values of which the one with priority wins.
  setting = mkOptionType {
    name = "systemd option";
    description = "systemd option";
    check = value: if builtins.isList value then lib.all settingValue.check value else settingValue.check value;
    merge =
      location: definitions:
      if lib.any (definition: builtins.isList definition.value) definitions then
        lib.concatMap (definition: lib.toList definition.value) definitions
      else
        lib.mergeEqualOption location definitions;
  };

  names =
    description:
    mkOption {
      type = types.listOf types.str;
      default = [ ];
      inherit description;
    };

  settings =
    section:
    mkOption {
      type = types.attrsOf setting;
      default = { };
      description = "Settings of the unit file's section [${section}].";
    };

  flag =
    default: description:
    mkOption {
      type = types.bool;
      inherit default description;
    };

  text =
    description:
    mkOption {
      type = types.lines;
      default = "";
      inherit description;
    };
in
rec {
  inherit setting;

  common = {
    options = {
      enable = flag true "Whether the unit exists; a unit switched off is masked.";
      overrideStrategy = mkOption {
        type = types.enum [
          "asDropinIfExists"
          "asDropin"
        ];
        default = "asDropinIfExists";
        description = "Whether these settings replace a packaged unit of the same name or amend it.";
      };
      description = mkOption {
        type = types.singleLineStr or types.str;
        default = "";
        description = "What status lines and logs call the unit.";
      };
      documentation = names "Addresses of the unit's documentation.";
      requires = names "Units without which this one stops.";
      wants = names "Units that are started together with this one.";
      upholds = names "Units that are kept running as long as this one runs.";
      after = names "Units that are started before this one, if at all.";
      before = names "Units that are started after this one, if at all.";
      bindsTo = names "Units with whose end this one ends.";
      partOf = names "Units whose stop and restart reach this one.";
      conflicts = names "Units that cannot run beside this one.";
      requisite = names "Units that must run already.";
      onFailure = names "Units that are started when this one fails.";
      onSuccess = names "Units that are started when this one ends well.";
      wantedBy = names "Units that start this one.";
      requiredBy = names "Units that need this one.";
      upheldBy = names "Units that keep this one running.";
      aliases = names "Further names of the unit.";
      unitConfig = settings "Unit";
      startLimitBurst = mkOption {
        type = types.nullOr types.int;
        default = null;
        description = "How many starts are allowed within startLimitIntervalSec.";
      };
      startLimitIntervalSec = mkOption {
        type = types.nullOr types.int;
        default = null;
        description = "The span, in seconds, in which starts are counted.";
      };
      restartTriggers = mkOption {
        type = types.listOf types.unspecified;
        default = [ ];
        description = "Values whose change restarts the unit on a switch.";
      };
      reloadTriggers = mkOption {
        type = types.listOf types.unspecified;
        default = [ ];
        description = "Values whose change reloads the unit on a switch.";
      };
    };
  };

  service =
    { config, ... }:
    {
      options = {
        environment = mkOption {
          type =
            with types;
            attrsOf (nullOr (oneOf [
              str
              path
              package
            ]));
          default = { };
          description = "Environment of the service's processes.";
        };
        path = mkOption {
          type =
            with types;
            listOf (oneOf [
              package
              str
            ]);
          default = [ ];
          description = "Packages whose programs the service finds on PATH.";
        };
        enableDefaultPath = flag true "Whether PATH also holds coreutils, findutils, grep, sed and systemd.";
        enableStrictShellChecks = flag false "Accepted for configurations that set it; scripts are not linted.";
        serviceConfig = settings "Service";
        script = text "Shell text that is the service's main process.";
        scriptArgs = mkOption {
          type = types.str;
          default = "";
          description = "Arguments of the script.";
        };
        preStart = text "Shell text that runs before the main process.";
        postStart = text "Shell text that runs after the main process was started.";
        reload = text "Shell text that reloads the service.";
        preStop = text "Shell text that stops the service.";
        postStop = text "Shell text that runs after the service ended.";
        restartIfChanged = flag true "Whether a switch restarts the service when its unit changed.";
        reloadIfChanged = flag false "Whether a switch reloads instead of restarting.";
        stopIfChanged = flag true "Whether a switch stops with the old unit and starts with the new one.";
        notSocketActivated = flag false "Whether a switch restarts the service itself, not its socket.";
        startAt = mkOption {
          type = with types; coercedTo str lib.singleton (listOf str);
          default = [ ];
          description = "Calendar expressions at which the service is started.";
        };
      };

      config = {
        path = mkIf config.enableDefaultPath (
          lib.mkAfter [
            pkgs.coreutils
            pkgs.findutils
            pkgs.gnugrep
            pkgs.gnused
            pkgs.systemd
          ]
        );
        environment.PATH = mkIf (config.path != [ ]) (
          mkDefault "${lib.makeBinPath config.path}:${lib.makeSearchPathOutput "bin" "sbin" config.path}"
        );
      };
    };

  socket.options = {
    listenStreams = names "Addresses of stream sockets.";
    listenDatagrams = names "Addresses of datagram sockets.";
    socketConfig = settings "Socket";
  };

  timer.options.timerConfig = settings "Timer";
  path.options.pathConfig = settings "Path";
  slice.options.sliceConfig = settings "Slice";
  target.options = { };

  mount.options = {
    what = mkOption {
      type = types.str;
      description = "What is mounted.";
    };
    where = mkOption {
      type = types.str;
      description = "Where it is mounted.";
    };
    type = mkOption {
      type = types.str;
      default = "";
      description = "Type of the file system.";
    };
    options = mkOption {
      type = types.commas or types.str;
      default = "";
      description = "Mount options.";
    };
    mountConfig = settings "Mount";
  };

  automount.options = {
    where = mkOption {
      type = types.str;
      description = "Where the first access mounts.";
    };
    automountConfig = settings "Automount";
  };
}
