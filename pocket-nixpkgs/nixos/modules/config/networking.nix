# Names of hosts, and the tables of protocols and services.
{ config, lib, pkgs, ... }:

let
  inherit (lib) mkOption types;

  cfg = config.networking;

  lines = lib.concatStrings (
    lib.mapAttrsToList (address: names: lib.optionalString (names != [ ]) "${address} ${toString names}\n") cfg.hosts
  );
in
{
  options.networking = {
    hosts = mkOption {
      type = types.attrsOf (types.listOf types.str);
      default = { };
      example = { "192.0.2.1" = [ "gateway.example.org" ]; };
      description = "Names of addresses: /etc/hosts.";
    };
    extraHosts = mkOption { type = types.lines; default = ""; description = "Further lines of /etc/hosts."; };
    hostFiles = mkOption { type = types.listOf types.path; default = [ ]; description = "Files joined into /etc/hosts."; };
    timeServers = mkOption {
      type = types.listOf types.str;
      default = map (n: "${toString n}.nixos.pool.ntp.org") [ 0 1 2 3 ];
      description = "Where the time comes from.";
    };
    proxy = {
      default = mkOption { type = types.nullOr types.str; default = null; description = "The proxy of all protocols."; };
      noProxy = mkOption { type = types.nullOr types.str; default = null; description = "Hosts that no proxy serves."; };
      envVars = mkOption { type = types.attrs; default = { }; internal = true; description = "Environment variables of the proxy."; };
    };
  };

  config = {
    networking.proxy.envVars =
      lib.optionalAttrs (cfg.proxy.default != null) (
        lib.genAttrs [ "http_proxy" "https_proxy" "ftp_proxy" "all_proxy" "rsync_proxy" ] (_: cfg.proxy.default)
      )
      // lib.optionalAttrs (cfg.proxy.noProxy != null) { no_proxy = cfg.proxy.noProxy; };
    environment.sessionVariables = cfg.proxy.envVars;
    systemd.globalEnvironment = cfg.proxy.envVars;

    networking.hostFiles = lib.mkBefore [
      (pkgs.writeText "localhost-hosts" ''
        127.0.0.1 localhost
        ${lib.optionalString cfg.enableIPv6 "::1 localhost"}
      '')
      (pkgs.writeText "string-hosts" lines)
      (pkgs.writeText "extra-hosts" cfg.extraHosts)
    ];
    networking.hosts = lib.mkIf (cfg.hostName != "") (
      let
        names = lib.optional (cfg.domain != null) "${cfg.hostName}.${cfg.domain}" ++ [ cfg.hostName ];
      in
      { "127.0.0.2" = names; }
    );

    environment.etc = {
      hosts.source = pkgs.runCommand "hosts" { preferLocalBuild = true; } "cat ${lib.escapeShellArgs cfg.hostFiles} > $out";
      services.source = "${pkgs.iana-etc}/etc/services";
      protocols.source = "${pkgs.iana-etc}/etc/protocols";
      "host.conf".text = "multi on\n";
      netgroup.text = "";
      rpc.source = "${pkgs.iana-etc}/etc/rpc";
    };
  };
}
