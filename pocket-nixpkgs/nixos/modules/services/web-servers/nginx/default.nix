# The nginx web server.
{ config, lib, pkgs, ... }:

let
  inherit (lib) mkOption types;

  cfg = config.services.nginx;

  generated = pkgs.writeText "nginx.conf.in" (import ./config-file.nix { inherit config lib pkgs; });

  # Indented by depth, for those who read it in the guest.
  configuration = pkgs.runCommand "nginx.conf" { preferLocalBuild = true; } ''
    ${pkgs.gawk}/bin/awk '
      { sub(/^[ \t]+/, ""); sub(/[ \t]+$/, "") }
      $0 == "" { next }
      /^}/ { depth-- }
      { for (i = 0; i < depth; i++) printf "  "; print }
      /{$/ { depth++ }
    ' ${generated} > $out
    ${lib.optionalString cfg.validateConfigFile check}
  '';

  # nginx reads certificates and looks up the hosts of proxies when it tests a configuration: a build has neither, so
  # such a configuration is tested only when the service starts.
  needsMachine =
    lib.any (
      host:
      host.addSSL || host.onlySSL || host.forceSSL || lib.any (l: l.proxyPass != null) (lib.attrValues host.locations)
    ) (lib.attrValues cfg.virtualHosts)
    || cfg.upstreams != { }
    || cfg.config != "";
  # A build may open neither the machine's ports nor its logs, so a copy that has others is tested.
  check = lib.optionalString (!needsMachine) ''
    mkdir -p build/cache
    ${pkgs.gawk}/bin/awk -v dir="$PWD/build" '
      $1 == "listen" { end = sub(/;$/, "", $2) ? ";" : ""; gsub(/[^0-9a-zA-Z]/, "_", $2); $2 = "unix:" dir "/" $2 end }
      $1 == "user" { next }
      $1 == "pid" { $2 = dir "/pid;" }
      { gsub(/\/var\/cache\/nginx/, dir "/cache"); gsub(/\/var\/log\/nginx/, dir); print }
      /^http {/ { print "access_log off;" }
    ' $out > build/nginx.conf
    ${cfg.package}/bin/nginx -t -q -p "$PWD/build" -e stderr -c "$PWD/build/nginx.conf"
  '';

  ownedBy = "${cfg.user} ${cfg.group}";
  lines = description: mkOption { type = types.lines; default = ""; inherit description; };
  recommended = what: mkOption { type = types.bool; default = false; description = "Whether the usual settings for ${what} are made."; };
in
{
  options.services.nginx = {
    enable = lib.mkEnableOption "the nginx web server";
    package = mkOption { type = types.package; default = pkgs.nginx; defaultText = lib.literalExpression "pkgs.nginx"; description = "The nginx to run."; };
    user = mkOption { type = types.str; default = "nginx"; description = "The user of its workers."; };
    group = mkOption { type = types.str; default = "nginx"; description = "The group of its workers."; };
    virtualHosts = mkOption {
      type = types.attrsOf (types.submodule (import ./vhost-options.nix { inherit lib; }));
      default = { localhost = { }; };
      description = "Virtual hosts.";
    };
    upstreams = mkOption {
      type = types.attrsOf (types.submodule {
        options.servers = mkOption { type = types.attrsOf (types.submodule { freeformType = with types; attrsOf (oneOf [ bool int str ]); }); default = { }; description = "The servers."; };
        options.extraConfig = lines "Further lines.";
      });
      default = { };
      description = "Groups of servers that hosts can pass requests to.";
    };
    defaultListenAddresses = mkOption { type = types.listOf types.str; default = [ "0.0.0.0" ] ++ lib.optional config.networking.enableIPv6 "[::0]"; description = "Addresses of hosts that name none."; };
    defaultHTTPListenPort = mkOption { type = types.port; default = 80; description = "The port of hosts that name none."; };
    defaultSSLListenPort = mkOption { type = types.port; default = 443; description = "The same for TLS."; };
    defaultMimeTypes = mkOption { type = types.path; default = "${cfg.package}/etc/nginx/mime.types"; description = "The types of files."; };
    recommendedOptimisation = recommended "throughput";
    recommendedTlsSettings = recommended "TLS";
    recommendedGzipSettings = recommended "compression";
    recommendedProxySettings = recommended "proxies";
    proxyTimeout = mkOption { type = types.str; default = "60s"; description = "How long a proxy waits."; };
    clientMaxBodySize = mkOption { type = types.str; default = "10m"; description = "The largest request."; };
    serverTokens = mkOption { type = types.bool; default = false; description = "Whether replies name nginx's version."; };
    sslProtocols = mkOption { type = types.str; default = "TLSv1.2 TLSv1.3"; description = "Versions of TLS."; };
    sslCiphers = mkOption { type = types.nullOr types.str; default = null; description = "Ciphers; null for OpenSSL's."; };
    sslDhparam = mkOption { type = types.nullOr types.path; default = null; description = "Parameters of key exchange."; };
    mapHashBucketSize = mkOption { type = types.nullOr (types.enum [ 32 64 128 ]); default = null; description = "The size of tables of `map`."; };
    serverNamesHashBucketSize = mkOption { type = types.nullOr types.ints.positive; default = null; description = "The size of the tables of names."; };
    serverNamesHashMaxSize = mkOption { type = types.nullOr types.ints.positive; default = null; description = "The largest size of those."; };
    statusPage = mkOption { type = types.bool; default = false; description = "Whether /nginx_status shows connections to this machine."; };
    logError = mkOption { type = types.str; default = "stderr"; description = "Where errors are logged."; };
    validateConfigFile = mkOption { type = types.bool; default = true; description = "Whether the build tests the configuration."; };
    enableReload = mkOption { type = types.bool; default = false; description = "Whether a change reloads rather than restarts."; };
    preStart = lines "Shell commands before it starts.";
    config = lines "The whole configuration, in place of everything else.";
    eventsConfig = lines "Lines of the section `events`.";
    commonHttpConfig = lines "Lines of the section `http`, before the hosts.";
    httpConfig = lines "Lines of the section `http`, in place of the hosts.";
    appendHttpConfig = lines "Lines at the end of the section `http`.";
    streamConfig = lines "Lines of the section `stream`.";
    appendConfig = lines "Lines at the end.";
  };

  config = lib.mkIf cfg.enable {
    users.users = lib.mkIf (cfg.user == "nginx") {
      nginx = {
        group = cfg.group;
        isSystemUser = true;
        uid = config.ids.uids.nginx;
      };
    };
    users.groups = lib.mkIf (cfg.group == "nginx") { nginx.gid = config.ids.gids.nginx; };

    assertions = lib.mapAttrsToList (name: host: {
      assertion = lib.count lib.id [ host.addSSL host.onlySSL host.forceSSL ] <= 1;
      message = "Options services.nginx.virtualHosts.${name}.{addSSL,onlySSL,forceSSL} are mutually exclusive.";
    }) cfg.virtualHosts
    ++ lib.concatLists (lib.mapAttrsToList (name: host: lib.mapAttrsToList (path: l: {
      assertion = l.root == null || l.alias == null;
      message = "Only one of nginx root or alias can be specified on a location (${name}, ${path}).";
    }) host.locations) cfg.virtualHosts);

    environment.etc."nginx/nginx.conf" = lib.mkIf cfg.enableReload { source = configuration; };

    # nginx as a distribution builds it opens this file before it has read where errors go.
    systemd.tmpfiles.rules = [ "d /var/log/nginx 0750 ${ownedBy} -" "d /var/lib/nginx 0750 ${ownedBy} -" ];

    systemd.services.nginx = {
      description = "Nginx Web Server";
      wantedBy = [ "multi-user.target" ];
      after = [ "network.target" ];
      stopIfChanged = false;
      preStart = lib.mkIf (cfg.preStart != "") cfg.preStart;
      reloadIfChanged = cfg.enableReload;
      reloadTriggers = lib.optional cfg.enableReload configuration;
      startLimitIntervalSec = 60;
      serviceConfig =
        let
          command = "${cfg.package}/bin/nginx -c '${if cfg.enableReload then "/etc/nginx/nginx.conf" else configuration}' -e stderr";
        in
        {
          ExecStart = command;
          ExecReload = [ "${command} -t" "${pkgs.coreutils}/bin/kill -HUP $MAINPID" ];
          Restart = "always";
          RestartSec = "10s";
          User = cfg.user;
          Group = cfg.group;
          RuntimeDirectory = "nginx";
          RuntimeDirectoryMode = "0750";
          CacheDirectory = "nginx";
          CacheDirectoryMode = "0750";
          LogsDirectory = "nginx";
          LogsDirectoryMode = "0750";
          ProcSubset = "pid";
          UMask = "0027";
          AmbientCapabilities = [ "CAP_NET_BIND_SERVICE" "CAP_SYS_RESOURCE" ];
          CapabilityBoundingSet = [ "CAP_NET_BIND_SERVICE" "CAP_SYS_RESOURCE" ];
          NoNewPrivileges = true;
          ProtectSystem = "strict";
          ProtectHome = true;
          PrivateTmp = true;
          PrivateDevices = true;
          ProtectHostname = true;
          ProtectClock = true;
          ProtectKernelTunables = true;
          ProtectKernelModules = true;
          ProtectKernelLogs = true;
          ProtectControlGroups = true;
          RestrictAddressFamilies = [ "AF_UNIX" "AF_INET" "AF_INET6" ];
          RestrictNamespaces = true;
          LockPersonality = true;
          RestrictRealtime = true;
          RestrictSUIDSGID = true;
          RemoveIPC = true;
          PrivateMounts = true;
        };
    };
  };
}
