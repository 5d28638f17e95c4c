# Addresses by DHCP.
{ config, lib, pkgs, ... }:

let
  inherit (lib) mkOption types;

  cfg = config.networking.dhcpcd;
  net = config.networking;

  static = builtins.filter (i: i.useDHCP != true && (i.useDHCP == false || i.ipv4.addresses != [ ])) (lib.attrValues net.interfaces);
  wanted = builtins.filter (i: i.useDHCP == true) (lib.attrValues net.interfaces);
  allowed =
    if cfg.allowInterfaces != null then
      cfg.allowInterfaces ++ map (i: i.name) wanted
    else if !net.useDHCP then
      map (i: i.name) wanted
    else
      null;
  ignored = map (i: i.name) static ++ [ "lo" "peth*" "vif*" "tap*" "tun*" "virbr*" "vnet*" "vboxnet*" "sit*" ] ++ cfg.denyInterfaces;

  # dhcpcd tells what it got in the environment; nothing but /etc/resolv.conf is left to do.
  hook = pkgs.writeShellScript "dhcpcd-hook" ''
    export PATH=${lib.makeBinPath [ pkgs.coreutils pkgs.gnugrep ]}
    ${lib.optionalString (net.resolvconf.enable && net.nameservers == [ ]) ''
      case "$reason" in
        BOUND | BOUND6 | RENEW | REBIND | REBOOT | INFORM | ROUTERADVERT)
          if [ -n "$new_domain_name_servers" ] && [ ! -L /etc/resolv.conf ]; then
            {
              for server in $new_domain_name_servers; do echo "nameserver $server"; done
              search=''${new_domain_search:-$new_domain_name}
              if [ -n "$search" ]; then echo "search $search"; fi
              ${lib.optionalString (net.resolvconf.extraOptions != [ ]) "echo 'options ${toString net.resolvconf.extraOptions}'"}
            } > /etc/resolv.conf.new
            mv /etc/resolv.conf.new /etc/resolv.conf
          fi
          ;;
      esac
    ''}
    ${cfg.runHook}
    exit 0
  '';

  configuration = pkgs.writeText "dhcpcd.conf" ''
    ${lib.optionalString (allowed != null) "allowinterfaces ${toString (allowed ++ lib.optional (allowed == [ ]) "none")}"}
    denyinterfaces ${toString ignored}
    nodev
    hostname
    option domain_name_servers, domain_name, domain_search
    option classless_static_routes, ntp_servers, interface_mtu
    ${lib.optionalString (!net.enableIPv6 || cfg.IPv6rs == false) "noipv6rs"}
    ${lib.optionalString cfg.persistent "persistent"}
    nohook lookup-hostname
    noipv4ll
    script ${hook}
    ${cfg.extraConfig}
  '';

  waitForAddress = pkgs.writeShellScript "dhcpcd-wait" ''
    has() { ${pkgs.iproute2}/bin/ip -brief "$@" address show scope global | ${pkgs.gnugrep}/bin/grep -q '[0-9a-f]/'; }
    arrived() {
      case ${cfg.wait} in
        ipv4) has -4 ;;
        ipv6) has -6 ;;
        both) has -4 && has -6 ;;
        *) has -4 || has -6 ;;
      esac
    }
    for ((tries = 0; tries < 150; tries++)); do
      arrived && exit 0
      ${pkgs.coreutils}/bin/sleep 0.2
    done
    echo "no address after 30 seconds"
    exit 1
  '';

  enabled = net.useDHCP || wanted != [ ];
in
{
  options.networking.dhcpcd = {
    enable = mkOption { type = types.bool; default = true; description = "Whether dhcpcd is the DHCP client."; };
    persistent = mkOption { type = types.bool; default = false; description = "Whether addresses stay when dhcpcd ends."; };
    allowInterfaces = mkOption { type = types.nullOr (types.listOf types.str); default = null; description = "The only interfaces that dhcpcd touches."; };
    denyInterfaces = mkOption { type = types.listOf types.str; default = [ ]; description = "Interfaces that dhcpcd leaves alone."; };
    extraConfig = mkOption { type = types.lines; default = ""; description = "Further lines of dhcpcd.conf."; };
    runHook = mkOption { type = types.lines; default = ""; description = "Shell code at each change, with `$reason` and `$interface`."; };
    IPv6rs = mkOption { type = types.nullOr types.bool; default = null; description = "Whether routers are asked for IPv6 addresses."; };
    setHostname = mkOption { type = types.bool; default = true; description = "Whether DHCP may name a machine without a name."; };
    wait = mkOption {
      type = types.enum [ "background" "any" "ipv4" "ipv6" "both" "if-carrier-up" ];
      default = "background";
      description = "What the start of the service waits for; the default keeps a boot from waiting for an address.";
    };
  };

  config = lib.mkIf (cfg.enable && enabled) {
    systemd.services.dhcpcd = {
      description = "DHCP Client";
      documentation = [ "man:dhcpcd(8)" ];
      wantedBy = [ "multi-user.target" ];
      wants = [ "network.target" ];
      before = [ "network-online.target" ];
      after = [ "network-pre.target" ];
      restartTriggers = [ configuration ];
      # A restart would take the address away under the feet of who is logged in.
      stopIfChanged = false;
      serviceConfig = {
        ExecStart = "@${pkgs.dhcpcd}/bin/dhcpcd dhcpcd --nobackground --config ${configuration}";
        ExecReload = "${pkgs.dhcpcd}/bin/dhcpcd --rebind";
        ExecStartPost = lib.mkIf (cfg.wait != "background") "${waitForAddress}";
        # There is no user `dhcpcd` on purpose: dhcpcd would split itself into several processes, which lose one another on
        # an emulated processor. It calls that an error; without a way to syslog it says so on standard error, as information.
        InaccessiblePaths = "-/dev/log -/run/systemd/journal/dev-log";
        RuntimeDirectory = "dhcpcd";
        StateDirectory = "dhcpcd";
        Restart = "always";
      };
    };

    # Only for units that ask for network-online.target.
    systemd.services.dhcpcd-wait-online = {
      description = "Wait for an Address by DHCP";
      wantedBy = [ "network-online.target" ];
      before = [ "network-online.target" ];
      after = [ "dhcpcd.service" ];
      serviceConfig = {
        Type = "oneshot";
        RemainAfterExit = true;
        ExecStart = "${waitForAddress}";
      };
    };

    environment.systemPackages = [ pkgs.dhcpcd ];
  };
}
