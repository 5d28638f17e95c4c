# /etc/resolv.conf: fixed where the configuration names servers and nothing else does, kept by resolvconf otherwise.
{ config, lib, pkgs, ... }:

let
  inherit (lib) mkOption types;

  cfg = config.networking;

  fixed = lib.concatMapStrings (server: "nameserver ${server}\n") cfg.nameservers
    + lib.optionalString (cfg.search != [ ]) "search ${toString cfg.search}\n"
    + lib.optionalString (cfg.resolvconf.extraOptions != [ ]) "options ${toString cfg.resolvconf.extraOptions}\n";
in
{
  imports = [
    (lib.mkRenamedOptionModule [ "networking" "dnsSingleRequest" ] [ "networking" "resolvconf" "dnsSingleRequest" ])
    (lib.mkRenamedOptionModule [ "networking" "resolvconfOptions" ] [ "networking" "resolvconf" "extraOptions" ])
  ];

  options.networking.resolvconf = {
    enable = mkOption { type = types.bool; default = true; description = "Whether /etc/resolv.conf is managed."; };
    dnsSingleRequest = mkOption { type = types.bool; default = false; description = "Whether A and AAAA are asked for one after the other."; };
    dnsExtensionMechanism = mkOption { type = types.bool; default = true; description = "Whether EDNS is used."; };
    extraOptions = mkOption { type = types.listOf types.str; default = [ ]; description = "Further options of the resolver."; };
    extraConfig = mkOption { type = types.lines; default = ""; description = "Further lines of resolvconf.conf."; };
    useLocalResolver = mkOption { type = types.bool; default = false; description = "Whether a server on this machine is asked."; };
  };

  config = {
    networking.resolvconf.extraOptions =
      lib.optional cfg.resolvconf.dnsSingleRequest "single-request"
      ++ lib.optional cfg.resolvconf.dnsExtensionMechanism "edns0";
    networking.nameservers = lib.mkIf cfg.resolvconf.useLocalResolver [ "127.0.0.1" ];

    # Addresses from DHCP are written over it by dhcpcd's own hook; a plain file makes both possible.
    system.activationScripts.resolvconf = lib.mkIf (cfg.resolvconf.enable && cfg.nameservers != [ ]) {
      deps = [ "etc" ];
      text = ''
        if [ ! -L /etc/resolv.conf ]; then
          cat ${pkgs.writeText "resolv.conf" fixed} > /etc/resolv.conf
        fi
      '';
    };
  };
}
