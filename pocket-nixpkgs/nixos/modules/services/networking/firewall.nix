# The firewall: what reaches the machine from outside.
{ config, lib, pkgs, ... }:

let
  inherit (lib) mkOption types;

  cfg = config.networking.firewall;

  range = types.submodule {
    options.from = mkOption { type = types.port; description = "The first port."; };
    options.to = mkOption { type = types.port; description = "The last port."; };
  };

  canonicalPorts = ports: lib.sort builtins.lessThan (lib.unique ports);
  common = {
    allowedTCPPorts = mkOption { type = types.listOf types.port; default = [ ]; apply = canonicalPorts; example = [ 22 80 ]; description = "TCP ports that are open."; };
    allowedTCPPortRanges = mkOption { type = types.listOf range; default = [ ]; description = "Ranges of open TCP ports."; };
    allowedUDPPorts = mkOption { type = types.listOf types.port; default = [ ]; apply = canonicalPorts; example = [ 53 ]; description = "UDP ports that are open."; };
    allowedUDPPortRanges = mkOption { type = types.listOf range; default = [ ]; description = "Ranges of open UDP ports."; };
  };

  perInterface = { default = { inherit (cfg) allowedTCPPorts allowedTCPPortRanges allowedUDPPorts allowedUDPPortRanges; }; } // cfg.interfaces;

  # One accepting rule for each port; written for iptables-restore, which sets all rules or none.
  portRules = lib.concatStrings (
    lib.mapAttrsToList (
      name: ports:
      let
        from = lib.optionalString (name != "default") "-i ${name} ";
        rule = protocol: port: "-A nixos-fw -p ${protocol} ${from}--dport ${port} -j nixos-fw-accept\n";
        rangeText = r: "${toString r.from}:${toString r.to}";
      in
      lib.concatMapStrings (rule "tcp") (map toString ports.allowedTCPPorts ++ map rangeText ports.allowedTCPPortRanges)
      + lib.concatMapStrings (rule "udp") (map toString ports.allowedUDPPorts ++ map rangeText ports.allowedUDPPortRanges)
    ) perInterface
  );

  refusal = if cfg.rejectPackets then "-A nixos-fw-refuse -p tcp ! --syn -j DROP\n-A nixos-fw-refuse -p tcp -j REJECT --reject-with tcp-reset\n-A nixos-fw-refuse -j REJECT\n" else "-A nixos-fw-refuse -j DROP\n";

  icmp = family:
    if family == 4 then
      lib.optionalString cfg.allowPing
        "-A nixos-fw -p icmp --icmp-type echo-request ${lib.optionalString (cfg.pingLimit != null) "-m limit ${cfg.pingLimit} "}-j nixos-fw-accept\n"
    else
      ''
        -A nixos-fw -p icmpv6 --icmpv6-type redirect -j DROP
        -A nixos-fw -p icmpv6 --icmpv6-type 139 -j DROP
        -A nixos-fw -p icmpv6 -j nixos-fw-accept
        -A nixos-fw -d fe80::/64 -p udp --dport 546 -j nixos-fw-accept
      '';

  ruleset = family: pkgs.writeText "firewall-ipv${toString family}" ''
    *filter
    :nixos-fw - [0:0]
    :nixos-fw-accept - [0:0]
    :nixos-fw-refuse - [0:0]
    :nixos-fw-log-refuse - [0:0]
    -F nixos-fw
    -F nixos-fw-accept
    -F nixos-fw-refuse
    -F nixos-fw-log-refuse
    -A nixos-fw-accept -j ACCEPT
    ${refusal}${lib.optionalString cfg.logRefusedConnections ''
      -A nixos-fw-log-refuse -p tcp --syn -j LOG --log-level info --log-prefix "refused connection: "
    ''}${lib.optionalString cfg.logRefusedPackets ''
      -A nixos-fw-log-refuse ${lib.optionalString cfg.logRefusedUnicastsOnly "-m pkttype --pkt-type unicast "}-j LOG --log-level info --log-prefix "refused packet: "
    ''}-A nixos-fw-log-refuse -j nixos-fw-refuse
    ${lib.concatMapStrings (name: "-A nixos-fw -i ${name} -j nixos-fw-accept\n") cfg.trustedInterfaces}-A nixos-fw -m conntrack --ctstate ESTABLISHED,RELATED -j nixos-fw-accept
    ${portRules}${icmp family}'';

  families = [ { family = 4; tables = "iptables"; } ] ++ lib.optional config.networking.enableIPv6 { family = 6; tables = "ip6tables"; };
  each = f: lib.concatMapStrings f families;

  helpers = ''
    export PATH=${lib.makeBinPath ([ cfg.package pkgs.coreutils ] ++ cfg.extraPackages)}:$PATH
    ip46tables() {
      iptables -w "$@"
      ${lib.optionalString config.networking.enableIPv6 ''ip6tables -w "$@"''}
    }
  '';

  # The last rule has to come after those of extraCommands, which then need a process each for what else is one restore.
  hasCommands = cfg.extraCommands != "";
  refuseRest = "-A nixos-fw -j nixos-fw-log-refuse";
  start = pkgs.writeShellScript "firewall-start" ''
    set -e
    ${helpers}
    hook="-A INPUT -j nixos-fw"
    # A reload finds the chain in its place already.
    if [ "$1" = reload ]; then hook=; fi
    ${each ({ family, tables }: ''
      printf '%s\n' "$(< ${ruleset family})" ${lib.optionalString (!hasCommands) "'${refuseRest}'"} "$hook" COMMIT | ${tables}-restore -w --noflush
    '')}
    ${lib.optionalString hasCommands ''
      ${cfg.extraCommands}
      ip46tables ${refuseRest}
    ''}
  '';
  stop = pkgs.writeShellScript "firewall-stop" ''
    ${helpers}
    ip46tables -D INPUT -j nixos-fw 2>/dev/null || true
    ${cfg.extraStopCommands}
    true
  '';
in
{
  options.networking.firewall = common // {
    enable = mkOption { type = types.bool; default = true; description = "Whether incoming connections are refused unless something allows them."; };
    package = mkOption { type = types.package; default = pkgs.iptables; defaultText = lib.literalExpression "pkgs.iptables"; description = "The programs that set the rules."; };
    logRefusedConnections = mkOption { type = types.bool; default = true; description = "Whether refused connections are logged."; };
    logRefusedPackets = mkOption { type = types.bool; default = false; description = "Whether all refused packets are logged."; };
    logRefusedUnicastsOnly = mkOption { type = types.bool; default = true; description = "Whether refused broadcasts are left out of the log."; };
    logReversePathDrops = mkOption { type = types.bool; default = false; description = "Whether packets that fail the reverse path test are logged."; };
    rejectPackets = mkOption { type = types.bool; default = false; description = "Whether refused packets are answered."; };
    allowPing = mkOption { type = types.bool; default = true; description = "Whether echo requests are answered."; };
    pingLimit = mkOption { type = types.nullOr types.str; default = null; example = "--limit 1/minute --limit-burst 5"; description = "How often they are."; };
    checkReversePath = mkOption { type = types.either types.bool (types.enum [ "strict" "loose" ]); default = true; description = "Whether packets are dropped whose answer would leave by another interface."; };
    trustedInterfaces = mkOption { type = types.listOf types.str; default = [ ]; description = "Interfaces from which everything is accepted."; };
    interfaces = mkOption { type = types.attrsOf (types.submodule { options = common; }); default = { }; description = "Ports that are open on single interfaces."; };
    allInterfaces = mkOption { type = types.attrsOf types.unspecified; internal = true; visible = false; default = perInterface; description = "Ports by interface."; };
    connectionTrackingModules = mkOption { type = types.listOf types.str; default = [ ]; description = "Helpers of connection tracking."; };
    autoLoadConntrackHelpers = mkOption { type = types.bool; default = false; description = "Whether helpers of connection tracking are used by themselves."; };
    extraPackages = mkOption { type = types.listOf types.package; default = [ ]; description = "Packages that the commands below need."; };
    extraCommands = mkOption { type = types.lines; default = ""; description = "Shell commands that add rules."; };
    extraStopCommands = mkOption { type = types.lines; default = ""; description = "Shell commands that remove them."; };
  };

  config = lib.mkIf cfg.enable {
    networking.firewall.trustedInterfaces = [ "lo" ];

    # Strict is 1, loose is 2.
    boot.kernel.sysctl = lib.mkIf (cfg.checkReversePath != false) {
      "net.ipv4.conf.all.rp_filter" = lib.mkDefault (if cfg.checkReversePath == "loose" then 2 else 1);
      "net.ipv4.conf.default.rp_filter" = lib.mkDefault (if cfg.checkReversePath == "loose" then 2 else 1);
    };
    boot.kernelModules = map (name: "nf_conntrack_${name}") cfg.connectionTrackingModules;
    environment.systemPackages = [ cfg.package ] ++ cfg.extraPackages;

    systemd.services.firewall = {
      description = "Firewall";
      wantedBy = [ "sysinit.target" ];
      wants = [ "network-pre.target" ];
      after = [ "systemd-modules-load.service" ];
      before = [ "network-pre.target" "shutdown.target" ];
      conflicts = [ "shutdown.target" ];
      reloadIfChanged = true;
      path = [ cfg.package ] ++ cfg.extraPackages;
      unitConfig = {
        ConditionCapability = "CAP_NET_ADMIN";
        DefaultDependencies = false;
      };
      serviceConfig = {
        Type = "oneshot";
        RemainAfterExit = true;
        ExecStart = "${start} start";
        ExecReload = "${start} reload";
        ExecStop = "${stop}";
      };
    };
  };
}
