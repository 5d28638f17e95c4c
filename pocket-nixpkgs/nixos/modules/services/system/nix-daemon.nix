# Nix on the machine: its settings, its daemon, its collection of garbage.
{ config, lib, options, pkgs, ... }:

let
  inherit (lib) mkOption types;

  cfg = config.nix;

  settingText = value:
    if builtins.isBool value then
      lib.boolToString value
    else if builtins.isList value then
      lib.concatMapStringsSep " " settingText value
    else if value == null then
      ""
    else
      toString value;

  nixConf = pkgs.writeText "nix.conf" ''
    # Written by the module services/system/nix-daemon.nix; a change here is lost at the next switch.
    ${lib.concatStrings (lib.mapAttrsToList (name: value: "${name} = ${settingText value}\n") cfg.settings)}
    ${cfg.extraOptions}
  '';

  # A mistake in the settings is found while the system is built.
  checked = pkgs.runCommand "nix.conf" { preferLocalBuild = true; } ''
    cp ${nixConf} $out
    export NIX_CONF_DIR=$PWD NIX_STORE_DIR=$PWD/store NIX_STATE_DIR=$PWD/state NIX_LOG_DIR=$PWD/log HOME=$PWD
    cp ${nixConf} nix.conf
    ${cfg.package}/bin/nix show-config --no-net --option experimental-features nix-command --option substitute false --store dummy:// 2> errors > /dev/null || {
      cat errors >&2
      exit 1
    }
    ${lib.optionalString cfg.checkAllErrors "if grep 'unknown setting' errors >&2; then exit 1; fi"}
  '';

  atom = with types; nullOr (oneOf [ bool int float str path package ]);
  settingType = types.attrsOf (types.either atom (types.listOf atom));
  names = description: default: mkOption { type = types.listOf types.str; inherit default description; };
  renamed = from: to: lib.mkRenamedOptionModule ([ "nix" ] ++ from) ([ "nix" "settings" ] ++ [ to ]);

  registryEntry = { name, config, ... }: {
    options = {
      from = mkOption { type = types.attrsOf types.anything; default = { type = "indirect"; id = name; }; description = "The reference to replace."; };
      to = mkOption { type = types.attrsOf types.anything; description = "What it stands for."; };
      flake = mkOption { type = types.nullOr types.attrs; default = null; description = "The flake it stands for."; };
      exact = mkOption { type = types.bool; default = true; description = "Whether revisions have to be the same."; };
    };
    config.to = lib.mkIf (config.flake != null) (lib.mkDefault (
      { type = "path"; path = config.flake.outPath; }
      // lib.filterAttrs (key: _: builtins.elem key [ "lastModified" "rev" "narHash" ]) config.flake
    ));
  };
in
{
  imports = [
    (renamed [ "useSandbox" ] "sandbox")
    (renamed [ "binaryCaches" ] "substituters")
    (renamed [ "binaryCachePublicKeys" ] "trusted-public-keys")
    (renamed [ "trustedUsers" ] "trusted-users")
    (renamed [ "allowedUsers" ] "allowed-users")
    (renamed [ "maxJobs" ] "max-jobs")
    (renamed [ "buildCores" ] "cores")
    (renamed [ "autoOptimiseStore" ] "auto-optimise-store")
  ];

  options.nix = {
    enable = mkOption { type = types.bool; default = true; description = "Whether Nix is on the machine."; };
    package = mkOption { type = types.package; default = pkgs.nix; defaultText = lib.literalExpression "pkgs.nix"; description = "The Nix to use."; };
    settings = mkOption {
      type = types.submodule {
        freeformType = settingType;
        options = {
          max-jobs = mkOption { type = types.either types.int (types.enum [ "auto" ]); default = "auto"; description = "How many builds run at once."; };
          cores = mkOption { type = types.int; default = 0; description = "How many processors a build may use; 0 for all."; };
          auto-optimise-store = mkOption { type = types.bool; default = false; description = "Whether equal files share their space."; };
          sandbox = mkOption { type = types.either types.bool (types.enum [ "relaxed" ]); default = true; description = "Whether builds see nothing but what they depend on."; };
          require-sigs = mkOption { type = types.bool; default = true; description = "Whether substitutes have to be signed."; };
          substituters = names "Where builds are fetched from." [ ];
          trusted-public-keys = names "Keys by which they are trusted." [ ];
          trusted-substituters = names "Further places that users may name." [ ];
          trusted-users = names "Users who may change any setting." [ ];
          allowed-users = names "Users who may talk to the daemon." [ "*" ];
          system-features = names "What builds may require." [ "nixos-test" "benchmark" "big-parallel" "kvm" ];
          extra-sandbox-paths = names "Paths of the machine that builds see." [ ];
        };
      };
      default = { };
      description = "Settings of nix.conf.";
    };
    extraOptions = mkOption { type = types.lines; default = ""; description = "Further lines of nix.conf."; };
    checkConfig = mkOption { type = types.bool; default = true; description = "Whether the build tests the settings."; };
    checkAllErrors = mkOption { type = types.bool; default = false; description = "Whether unknown settings are errors."; };
    nixPath = mkOption {
      type = types.listOf types.str;
      default = lib.optionals cfg.channel.enable [
        "nixpkgs=/nix/var/nix/profiles/per-user/root/channels/nixos"
        "nixos-config=/etc/nixos/configuration.nix"
        "/nix/var/nix/profiles/per-user/root/channels"
      ];
      description = "Where `<nixpkgs>` and the like are looked for.";
    };
    channel.enable = mkOption { type = types.bool; default = true; description = "Whether channels are used."; };
    registry = mkOption { type = types.attrsOf (types.submodule registryEntry); default = { }; description = "Short names of flakes."; };
    buildMachines = mkOption { type = types.listOf types.attrs; default = [ ]; description = "Machines that build for this one."; };
    distributedBuilds = mkOption { type = types.bool; default = false; description = "Whether they do."; };
    nrBuildUsers = mkOption { type = types.int; default = if cfg.enable then lib.max 32 (if cfg.settings.max-jobs == "auto" then 0 else cfg.settings.max-jobs) else 0; description = "How many users builds run as."; };
    daemonCPUSchedPolicy = mkOption { type = types.enum [ "other" "batch" "idle" ]; default = "other"; description = "The daemon's share of the processor."; };
    daemonIOSchedClass = mkOption { type = types.enum [ "best-effort" "idle" ]; default = "best-effort"; description = "The daemon's share of the disk."; };
    daemonIOSchedPriority = mkOption { type = types.int; default = 4; description = "Its priority there."; };
    readOnlyStore = mkOption { type = types.bool; default = true; description = "Whether the store is mounted read-only for all but the daemon."; };

    gc = {
      automatic = mkOption { type = types.bool; default = false; description = "Whether garbage is collected regularly."; };
      dates = mkOption { type = types.either types.singleLineStr (types.listOf types.str); default = "03:15"; description = "When."; };
      options = mkOption { type = types.singleLineStr; default = ""; example = "--delete-older-than 30d"; description = "Options of nix-collect-garbage."; };
      persistent = mkOption { type = types.bool; default = true; description = "Whether a missed time is made up for."; };
      randomizedDelaySec = mkOption { type = types.singleLineStr; default = "0"; description = "How much later it may be."; };
    };
    optimise = {
      automatic = mkOption { type = types.bool; default = false; description = "Whether equal files are joined regularly."; };
      dates = mkOption { type = types.coercedTo types.singleLineStr lib.singleton (types.listOf types.str); default = [ "03:45" ]; description = "When."; };
    };
  };

  config = lib.mkIf cfg.enable {
    nix.settings = {
      trusted-users = [ "root" ];
      # The path that the distribution compiled in is not there.
      build-hook = lib.mkDefault "${cfg.package}/libexec/nix/build-remote";
      trusted-public-keys = [ "cache.nixos.org-1:6NCHdD59X431o0gWypbMrAURkbJ16ZPMQFGspcDShjY=" ];
      substituters = lib.mkAfter [ "https://cache.nixos.org/" ];
    };

    environment.systemPackages = [ cfg.package ];
    environment.etc."nix/nix.conf".source = if cfg.checkConfig then checked else nixConf;
    environment.etc."nix/registry.json".text = builtins.toJSON {
      version = 2;
      flakes = lib.mapAttrsToList (_: entry: { inherit (entry) from to exact; }) cfg.registry;
    };
    environment.sessionVariables = lib.mkIf (cfg.nixPath != [ ]) { NIX_PATH = cfg.nixPath; };
    environment.extraInit = ''
      if [ "$USER" != root ] || [ ! -w /nix/var/nix/db ]; then
        export NIX_REMOTE=daemon
      fi
    '';

    users.users = lib.listToAttrs (
      lib.genList (n: lib.nameValuePair "nixbld${toString (n + 1)}" {
        description = "Nix build user ${toString (n + 1)}";
        uid = config.ids.uids.nixbld + n + 1;
        isSystemUser = true;
        group = "nixbld";
        extraGroups = [ "nixbld" ];
      }) cfg.nrBuildUsers
    );
    users.groups.nixbld.gid = config.ids.gids.nixbld;

    systemd.tmpfiles.rules = [
      "d /nix/var/nix/daemon-socket 0755 root root -"
      "d /nix/var/nix/gcroots/per-user 0755 root root -"
      "d /nix/var/nix/profiles/per-user 0755 root root -"
      "d /nix/var/nix/temproots 0755 root root -"
    ];

    systemd.sockets.nix-daemon = {
      description = "Nix Daemon Socket";
      wantedBy = [ "sockets.target" ];
      before = [ "multi-user.target" ];
      unitConfig = {
        RequiresMountsFor = "/nix/store";
        ConditionPathIsReadWrite = "/nix/var/nix/daemon-socket";
      };
      socketConfig.ListenStream = "/nix/var/nix/daemon-socket/socket";
    };
    systemd.services.nix-daemon = {
      description = "Nix Daemon";
      path = [ cfg.package pkgs.util-linux pkgs.openssh ];
      restartTriggers = [ config.environment.etc."nix/nix.conf".source ];
      stopIfChanged = false;
      unitConfig.RequiresMountsFor = [ "/nix/store" "/nix/var" ];
      requires = [ "nix-daemon.socket" ];
      environment.CURL_CA_BUNDLE = "/etc/ssl/certs/ca-certificates.crt";
      serviceConfig = {
        ExecStart = "@${cfg.package}/bin/nix-daemon nix-daemon --daemon";
        KillMode = "process";
        LimitNOFILE = 1048576;
        TasksMax = 1048576;
        CPUSchedulingPolicy = cfg.daemonCPUSchedPolicy;
        IOSchedulingClass = cfg.daemonIOSchedClass;
        IOSchedulingPriority = cfg.daemonIOSchedPriority;
      };
    };

    systemd.services.nix-gc = {
      description = "Nix Garbage Collector";
      startAt = lib.optionals cfg.gc.automatic (lib.toList cfg.gc.dates);
      script = "exec ${cfg.package}/bin/nix-collect-garbage ${cfg.gc.options}";
      serviceConfig.Type = "oneshot";
    };
    systemd.timers.nix-gc = lib.mkIf cfg.gc.automatic {
      timerConfig = {
        RandomizedDelaySec = cfg.gc.randomizedDelaySec;
        Persistent = cfg.gc.persistent;
      };
    };
    systemd.services.nix-optimise = {
      description = "Nix Store Optimiser";
      startAt = lib.optionals cfg.optimise.automatic cfg.optimise.dates;
      serviceConfig.Type = "oneshot";
      serviceConfig.ExecStart = "${cfg.package}/bin/nix-store --optimise";
    };
  };
}
