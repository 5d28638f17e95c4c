# The PostgreSQL database server.
{ config, lib, pkgs, ... }:

let
  inherit (lib) mkOption types;

  cfg = config.services.postgresql;

  version = lib.versions.major cfg.finalPackage.version;

  settingText = value:
    if value == true then
      "on"
    else if value == false then
      "off"
    else if builtins.isString value then
      "'${lib.replaceStrings [ "'" ] [ "''" ] value}'"
    else
      toString value;
  settings = lib.filterAttrs (_: value: value != null) cfg.settings;
  configuration = pkgs.writeTextDir "postgresql.conf" (
    lib.concatStrings (lib.mapAttrsToList (name: value: "${name} = ${settingText value}\n") settings)
  );

  # The server says itself what it thinks of its configuration. It lets root ask only when the question comes first.
  checked = pkgs.runCommand "postgresql-conf-check" { preferLocalBuild = true; } ''
    ${cfg.finalPackage}/bin/postgres -C config_file -D ${configuration} > /dev/null
    touch $out
  '';

  zone = if config.time.timeZone == null then "UTC" else config.time.timeZone;

  clause = name: value: lib.optionalString (value != null) (
    if builtins.isString value then "${name} ${sqlString value}" else (if value then name else "no${name}")
  );
  sqlString = value: "'${lib.replaceStrings [ "'" ] [ "''" ] value}'";
  sqlName = name: ''"${lib.replaceStrings [ "\"" ] [ "\"\"" ] name}"'';

  ensureDatabase = name: ''
    psql -tAc "SELECT 1 FROM pg_database WHERE datname = ${sqlString name}" | grep -q 1 || psql -tAc ${lib.escapeShellArg "CREATE DATABASE ${sqlName name}"}
  '';
  ensureUser = user:
    let
      clauses = builtins.filter (text: text != "") (lib.mapAttrsToList clause user.ensureClauses);
    in
    ''
      psql -tAc ${lib.escapeShellArg "SELECT 1 FROM pg_roles WHERE rolname = ${sqlString user.name}"} | grep -q 1 || psql -tAc ${lib.escapeShellArg "CREATE USER ${sqlName user.name}"}
      ${lib.optionalString (clauses != [ ]) "psql -tAc ${lib.escapeShellArg "ALTER ROLE ${sqlName user.name} ${toString clauses}"}"}
      ${lib.optionalString user.ensureDBOwnership "psql -tAc ${lib.escapeShellArg "ALTER DATABASE ${sqlName user.name} OWNER TO ${sqlName user.name}"}"}
    '';

  setup = cfg.ensureDatabases != [ ] || cfg.ensureUsers != [ ] || cfg.initialScript != null;

  clauses = types.submodule {
    options = lib.genAttrs [ "superuser" "createrole" "createdb" "inherit" "login" "replication" "bypassrls" ] (
      name: mkOption { type = types.nullOr types.bool; default = null; description = "Whether the role has the attribute ${name}."; }
    )
    // {
      password = mkOption { type = types.nullOr types.str; default = null; description = "The password, readable in the store."; };
    };
  };
in
{
  imports = [
    (lib.mkRenamedOptionModule [ "services" "postgresql" "logLinePrefix" ] [ "services" "postgresql" "settings" "log_line_prefix" ])
    (lib.mkRenamedOptionModule [ "services" "postgresql" "port" ] [ "services" "postgresql" "settings" "port" ])
    (lib.mkRenamedOptionModule [ "services" "postgresql" "extraPlugins" ] [ "services" "postgresql" "extensions" ])
    (lib.mkRemovedOptionModule [ "services" "postgresql" "extraConfig" ] "Use services.postgresql.settings instead.")
  ];

  options.services.postgresql = {
    enable = lib.mkEnableOption "PostgreSQL Server";
    package = mkOption { type = types.package; default = pkgs.postgresql; defaultText = lib.literalExpression "pkgs.postgresql"; description = "The PostgreSQL to run."; };
    finalPackage = mkOption { type = types.package; readOnly = true; default = cfg.package; description = "The PostgreSQL that runs, extensions included."; };
    enableJIT = mkOption { type = types.bool; default = false; description = "Whether queries are compiled; the pocket's server cannot."; };
    enableTCPIP = mkOption { type = types.bool; default = false; description = "Whether it listens on all addresses."; };
    checkConfig = mkOption { type = types.bool; default = true; description = "Whether the build tests the configuration."; };
    dataDir = mkOption {
      type = types.path;
      default = "/var/lib/postgresql/${version}";
      defaultText = lib.literalExpression ''"/var/lib/postgresql/''${config.services.postgresql.package.psqlSchema}"'';
      description = "Where the data is.";
    };
    authentication = mkOption { type = types.lines; default = ""; description = "Lines of pg_hba.conf."; };
    identMap = mkOption { type = types.lines; default = ""; description = "Lines of pg_ident.conf."; };
    initdbArgs = mkOption { type = types.listOf types.str; default = [ ]; description = "Options of initdb."; };
    initialScript = mkOption { type = types.nullOr types.path; default = null; description = "SQL that runs once, at the first start."; };
    ensureDatabases = mkOption { type = types.listOf types.str; default = [ ]; description = "Databases that are created where they are missing."; };
    ensureUsers = mkOption {
      type = types.listOf (types.submodule {
        options = {
          name = mkOption { type = types.str; description = "The role's name."; };
          ensureDBOwnership = mkOption { type = types.bool; default = false; description = "Whether it owns the database of its name."; };
          ensureClauses = mkOption { type = clauses; default = { }; description = "Its attributes."; };
        };
      });
      default = [ ];
      description = "Roles that are created where they are missing.";
    };
    extensions = mkOption { type = with types; coercedTo (listOf path) (list: _: list) (functionTo (listOf path)); default = _: [ ]; description = "Extensions."; };
    superUser = mkOption { type = types.str; default = "postgres"; readOnly = true; internal = true; description = "The role that may everything."; };
    settings = mkOption {
      type = types.submodule {
        freeformType = with types; attrsOf (nullOr (oneOf [ bool float int str ]));
        options = {
          port = mkOption { type = types.port; default = 5432; description = "The port."; };
          log_line_prefix = mkOption { type = types.str; default = "[%p] "; description = "What lines of the log begin with."; };
          shared_preload_libraries = mkOption { type = types.nullOr (types.coercedTo (types.listOf types.str) (lib.concatStringsSep ",") types.commas); default = null; description = "Libraries that are loaded at the start."; };
        };
      };
      default = { };
      description = "Settings of postgresql.conf.";
    };
  };

  config = lib.mkIf cfg.enable {
    assertions = map (user: {
      assertion = user.ensureDBOwnership -> builtins.elem user.name cfg.ensureDatabases;
      message = "services.postgresql.ensureUsers: ${user.name} cannot own the database of its name, which services.postgresql.ensureDatabases does not have.";
    }) cfg.ensureUsers
    ++ [
      {
        assertion = cfg.extensions { } == [ ];
        message = "The pocket has no extensions of PostgreSQL; services.postgresql.extensions needs a real nixpkgs.";
      }
    ];

    services.postgresql.settings = {
      hba_file = "${pkgs.writeText "pg_hba.conf" cfg.authentication}";
      ident_file = "${pkgs.writeText "pg_ident.conf" cfg.identMap}";
      log_destination = "stderr";
      listen_addresses = lib.mkDefault (if cfg.enableTCPIP then "*" else "localhost");
      jit = lib.mkDefault cfg.enableJIT;
    };

    # After what the machine says: PostgreSQL takes the first line that fits.
    services.postgresql.authentication = lib.mkMerge [
      (lib.mkBefore "# What fits first decides.")
      (lib.mkAfter ''
        local all postgres         peer map=postgres
        local all all              peer
        host  all all 127.0.0.1/32 md5
        host  all all ::1/128      md5
      '')
    ];
    services.postgresql.identMap = lib.mkAfter ''
      postgres root     postgres
      postgres postgres postgres
    '';

    users.users.postgres = {
      name = "postgres";
      uid = config.ids.uids.postgres;
      group = "postgres";
      description = "PostgreSQL server user";
      home = dirOf cfg.dataDir;
      useDefaultShell = true;
    };
    users.groups.postgres.gid = config.ids.gids.postgres;

    environment.systemPackages = [ cfg.finalPackage ];
    system.checks = lib.optional cfg.checkConfig checked;

    systemd.targets.postgresql = {
      description = "PostgreSQL";
      wantedBy = [ "multi-user.target" ];
      requires = [ "postgresql.service" ] ++ lib.optional setup "postgresql-setup.service";
      after = [ "postgresql.service" "postgresql-setup.service" ];
    };

    systemd.services.postgresql = {
      description = "PostgreSQL Server";
      after = [ "network.target" ];
      wantedBy = [ "postgresql.target" ];
      partOf = [ "postgresql.target" ];
      # initdb asks `locale` for collations.
      path = [ cfg.finalPackage pkgs.glibc.bin ];
      environment.PGDATA = cfg.dataDir;
      preStart = ''
        if ! test -e ${cfg.dataDir}/PG_VERSION; then
          # A first start that was cut short leaves files that initdb would stumble over.
          rm -f ${cfg.dataDir}/*.conf
          # Without TZ, initdb compares all time zones with the machine's: ten seconds on an emulated processor.
          TZ=${lib.escapeShellArg zone} initdb --username=${cfg.superUser} --encoding=UTF8 --locale=C.UTF-8 --no-sync ${lib.escapeShellArgs cfg.initdbArgs}
          touch ${cfg.dataDir}/.first_startup
        fi
        ln -sfn ${configuration}/postgresql.conf ${cfg.dataDir}/postgresql.conf
      '';
      serviceConfig = {
        ExecReload = "${pkgs.coreutils}/bin/kill -HUP $MAINPID";
        ExecStart = "${cfg.finalPackage}/bin/postgres";
        User = "postgres";
        Group = "postgres";
        RuntimeDirectory = "postgresql";
        Type = if lib.versionAtLeast version "9.6" then "notify" else "simple";
        StateDirectory = lib.mkIf (cfg.dataDir == "/var/lib/postgresql/${version}") "postgresql postgresql/${version}";
        StateDirectoryMode = "0750";
        # An orderly end, rather than the one that TERM asks for, which waits for clients.
        KillSignal = "SIGINT";
        KillMode = "mixed";
        TimeoutSec = 120;
        Restart = "always";
        RestartSec = 5;
      };
      unitConfig.RequiresMountsFor = cfg.dataDir;
    };

    systemd.services.postgresql-setup = lib.mkIf setup {
      description = "PostgreSQL Setup Scripts";
      requires = [ "postgresql.service" ];
      after = [ "postgresql.service" ];
      wantedBy = [ "postgresql.target" ];
      partOf = [ "postgresql.service" ];
      path = [ cfg.finalPackage pkgs.gnugrep ];
      environment = {
        PGHOST = "/run/postgresql";
        PGPORT = toString cfg.settings.port;
      };
      serviceConfig = {
        User = "postgres";
        Group = "postgres";
        Type = "oneshot";
        RemainAfterExit = true;
      };
      script = ''
        if test -e ${cfg.dataDir}/.first_startup; then
          ${lib.optionalString (cfg.initialScript != null) "psql -d postgres -f ${cfg.initialScript}"}
          rm -f ${cfg.dataDir}/.first_startup
        fi
        ${lib.concatMapStrings ensureDatabase cfg.ensureDatabases}
        ${lib.concatMapStrings ensureUser cfg.ensureUsers}
      '';
    };
  };
}
