# The machine's name, and its interfaces with their addresses.
{ config, lib, pkgs, utils, ... }:

let
  inherit (lib) mkOption types;

  cfg = config.networking;

  hostNameType = types.strMatching "^$|^[[:alnum:]]([[:alnum:]_-]{0,61}[[:alnum:]])?$";

  address = bits: types.submodule {
    options = {
      address = mkOption { type = types.str; description = "The address."; };
      prefixLength = mkOption { type = types.addCheck types.int (n: n >= 0 && n <= bits); description = "The length of the subnet's prefix."; };
    };
  };
  route = bits: types.submodule {
    options = {
      address = mkOption { type = types.str; description = "The network."; };
      prefixLength = mkOption { type = types.addCheck types.int (n: n >= 0 && n <= bits); description = "The length of its prefix."; };
      via = mkOption { type = types.nullOr types.str; default = null; description = "The next hop."; };
      type = mkOption { type = types.nullOr types.str; default = null; description = "The kind of route."; };
      options = mkOption { type = types.attrsOf types.str; default = { }; description = "Further options of `ip route`."; };
    };
  };
  family = bits: {
    addresses = mkOption { type = types.listOf (address bits); default = [ ]; description = "Addresses."; };
    routes = mkOption { type = types.listOf (route bits); default = [ ]; description = "Routes."; };
  };
  gateway = types.coercedTo types.str (address: { inherit address; }) (types.submodule {
    options = {
      address = mkOption { type = types.str; description = "The address."; };
      interface = mkOption { type = types.nullOr types.str; default = null; description = "The interface that leads there."; };
      metric = mkOption { type = types.nullOr types.int; default = null; description = "The metric of the route."; };
      source = mkOption { type = types.nullOr types.str; default = null; description = "The address that packets are sent from."; };
    };
  });

  interface = { name, ... }: {
    imports = [
      (lib.mkRenamedOptionModule [ "ip4" ] [ "ipv4" "addresses" ])
      (lib.mkRenamedOptionModule [ "ip6" ] [ "ipv6" "addresses" ])
    ];
    options = {
      name = mkOption { type = types.str; default = name; description = "The interface's name."; };
      useDHCP = mkOption { type = types.nullOr types.bool; default = null; description = "Whether it gets its addresses by DHCP; null for the machine's default."; };
      macAddress = mkOption { type = types.nullOr types.str; default = null; description = "The hardware address to give it."; };
      mtu = mkOption { type = types.nullOr types.int; default = null; description = "The largest packet."; };
      virtual = mkOption { type = types.bool; default = false; description = "Whether a device of this name is made (tun, tap)."; };
      ipv4 = family 32;
      ipv6 = family 128;
      tempAddress = mkOption { type = types.enum [ null "disabled" ]; default = null; description = "Whether temporary IPv6 addresses are used; in the pocket they never are."; };
      wakeOnLan.enable = mkOption { type = types.bool; default = false; description = "Whether the network can wake the machine."; };
    };
  };

  interfaces = lib.attrValues cfg.interfaces;
  configured = builtins.filter (
    i: i.ipv4.addresses ++ i.ipv6.addresses ++ i.ipv4.routes ++ i.ipv6.routes != [ ] || i.mtu != null || i.macAddress != null
  ) interfaces;
  device = i: "sys-subsystem-net-devices-${utils.escapeSystemdPath i.name}.device";

  ip = "${pkgs.iproute2}/bin/ip";
  quoted = lib.escapeShellArg;

  routeCommand = i: option: r:
    "${ip} ${option} route replace ${lib.optionalString (r.type != null) (quoted r.type)} ${quoted "${r.address}/${toString r.prefixLength}"} ${
      lib.concatStringsSep " " (lib.mapAttrsToList (key: value: "${key} ${quoted value}") r.options)
    } ${lib.optionalString (r.via != null) "via ${quoted r.via}"} dev ${quoted i.name} proto static";

  # Bound to its device, and started by it: a machine without that interface neither waits nor fails.
  addressService = i: lib.nameValuePair "network-addresses-${i.name}" {
    description = "Address configuration of ${i.name}";
    wantedBy = [ (device i) ];
    bindsTo = [ (device i) ];
    after = [ "network-pre.target" (device i) ];
    before = [ "network.target" ];
    unitConfig.DefaultDependencies = false;
    conflicts = [ "shutdown.target" ];
    stopIfChanged = false;
    serviceConfig = {
      Type = "oneshot";
      RemainAfterExit = true;
    };
    script = ''
      ${lib.optionalString (i.macAddress != null) "${ip} link set dev ${quoted i.name} address ${quoted i.macAddress}"}
      ${lib.optionalString (i.mtu != null) "${ip} link set dev ${quoted i.name} mtu ${toString i.mtu}"}
      ${ip} link set dev ${quoted i.name} up
      ${lib.concatMapStrings (a: "${ip} address replace ${quoted "${a.address}/${toString a.prefixLength}"} dev ${quoted i.name}\n") (
        i.ipv4.addresses ++ i.ipv6.addresses
      )}
      ${lib.concatMapStrings (r: routeCommand i "-4" r + "\n") i.ipv4.routes}
      ${lib.concatMapStrings (r: routeCommand i "-6" r + "\n") i.ipv6.routes}
      ${lib.concatMapStrings (g: gatewayCommand i g + "\n") (gatewaysOf i)}
    '';
    preStop = lib.concatMapStrings (a: "${ip} address del ${quoted "${a.address}/${toString a.prefixLength}"} dev ${quoted i.name} || true\n") (
      i.ipv4.addresses ++ i.ipv6.addresses
    );
  };

  # A gateway that names no interface belongs to the first one that has an address of its own.
  gateways = lib.optional (cfg.defaultGateway != null) (cfg.defaultGateway // { option = "-4"; })
    ++ lib.optional (cfg.defaultGateway6 != null) (cfg.defaultGateway6 // { option = "-6"; });
  gatewaysOf = i: builtins.filter (g: (if g.interface != null then g.interface else (builtins.head configured).name) == i.name) gateways;
  gatewayCommand = i: g:
    "${ip} ${g.option} route replace default via ${quoted g.address} dev ${quoted i.name} ${
      lib.optionalString (g.metric != null) "metric ${toString g.metric}"
    } ${lib.optionalString (g.source != null) "src ${quoted g.source}"} proto static";
in
{
  options.networking = {
    hostName = mkOption {
      type = hostNameType;
      default = config.system.nixos.distroId;
      defaultText = lib.literalExpression "config.system.nixos.distroId";
      description = "The machine's name; empty to get it from DHCP.";
    };
    domain = mkOption { type = types.nullOr types.str; default = null; example = "example.org"; description = "The domain of the machine's name."; };
    fqdn = mkOption {
      type = types.str;
      readOnly = true;
      default =
        if cfg.hostName != "" && cfg.domain != null then
          "${cfg.hostName}.${cfg.domain}"
        else
          throw "The FQDN is required but cannot be determined from `networking.hostName` and `networking.domain`. Please ensure these options are set properly or set `networking.fqdn` directly.";
      defaultText = lib.literalMD "host name and domain";
      description = "The machine's full name.";
    };
    fqdnOrHostName = mkOption {
      type = types.str;
      readOnly = true;
      default = if cfg.domain == null then cfg.hostName else cfg.fqdn;
      description = "The machine's full name, or its name where it has no domain.";
    };
    hostId = mkOption { type = types.nullOr (types.strMatching "[0-9a-fA-F]{8}"); default = null; example = "4e98920d"; description = "The 32-bit number that identifies the machine, as eight hexadecimal digits."; };
    enableIPv6 = mkOption { type = types.bool; default = true; description = "Whether IPv6 is used."; };
    useDHCP = mkOption { type = types.bool; default = true; description = "Whether interfaces get their addresses by DHCP unless they say otherwise."; };
    usePredictableInterfaceNames = mkOption { type = types.bool; default = true; description = "Whether interfaces are named after where they are plugged in, rather than eth0, eth1, …"; };
    nameservers = mkOption { type = types.listOf types.str; default = [ ]; description = "Servers that resolve names."; };
    search = mkOption { type = types.listOf types.str; default = [ ]; description = "Domains in which short names are looked for."; };
    defaultGateway = mkOption { type = types.nullOr gateway; default = null; description = "The way out for IPv4."; };
    defaultGateway6 = mkOption { type = types.nullOr gateway; default = null; description = "The way out for IPv6."; };
    defaultGatewayWindowSize = mkOption { type = types.nullOr types.int; default = null; description = "The TCP window of the default route."; };
    localCommands = mkOption { type = types.lines; default = ""; description = "Commands at the end of the set-up of the network."; };
    interfaces = mkOption {
      type = types.attrsOf (types.submodule interface);
      default = { };
      description = "The interfaces.";
    };
  };

  config = {
    assertions = lib.optional (gateways != [ ]) {
      assertion = configured != [ ] || lib.all (g: g.interface != null) gateways;
      message = "networking.defaultGateway names no interface, and no interface has an address of its own.";
    };

    environment.etc.hostname = lib.mkIf (cfg.hostName != "") { text = cfg.hostName + "\n"; };
    environment.etc.hostid = lib.mkIf (cfg.hostId != null) {
      source = pkgs.runCommand "hostid" { preferLocalBuild = true; } ''
        id=${cfg.hostId}
        # Little endian, as gethostid reads it.
        printf "\x''${id:6:2}\x''${id:4:2}\x''${id:2:2}\x''${id:0:2}" > $out
      '';
    };

    boot.kernelParams = lib.optional (!cfg.usePredictableInterfaceNames) "net.ifnames=0";
    boot.kernel.sysctl = {
      "net.ipv6.conf.all.disable_ipv6" = lib.mkDefault (!cfg.enableIPv6);
      "net.ipv6.conf.default.disable_ipv6" = lib.mkDefault (!cfg.enableIPv6);
      "net.ipv4.ping_group_range" = lib.mkDefault "0 2147483647";
    };

    systemd.services = lib.mkMerge [
      (lib.listToAttrs (map addressService configured))
      {
        network-local-commands = lib.mkIf (cfg.localCommands != "") {
          description = "Extra networking commands.";
          wantedBy = [ "network.target" ];
          before = [ "network.target" ];
          after = [ "network-pre.target" ];
          unitConfig.DefaultDependencies = false;
          path = [ pkgs.iproute2 ];
          serviceConfig = {
            Type = "oneshot";
            RemainAfterExit = true;
          };
          script = cfg.localCommands;
        };
      }
    ];

    # The passive target has to be pulled in by somebody: then services ordered after it mean something.
    systemd.targets.network.wantedBy = [ "multi-user.target" ];

    environment.systemPackages = [ pkgs.iproute2 pkgs.iputils ];
  };
}
