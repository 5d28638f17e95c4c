# Where names of users, groups and hosts are looked up.
{ config, lib, pkgs, ... }:

let
  inherit (lib) mkOption types;

  cfg = config.system.nssDatabases;

  database = description: mkOption {
    type = types.listOf types.str;
    default = [ ];
    inherit description;
  };
  line = name: values: lib.optionalString (values != [ ]) "${name}: ${toString values}\n";
in
{
  options.system = {
    nssModules = mkOption {
      type = types.listOf types.package;
      default = [ ];
      internal = true;
      description = "Packages with further sources of names.";
    };
    nssDatabases = {
      passwd = database "Where users are looked up.";
      group = database "Where groups are looked up.";
      shadow = database "Where passwords are looked up.";
      sudoers = database "Where sudo's rules are looked up.";
      hosts = database "Where hosts are looked up.";
      services = database "Where names of ports are looked up.";
    };
  };

  config = {
    system.nssDatabases = {
      passwd = lib.mkBefore [ "files" ];
      group = lib.mkBefore [ "files" ];
      shadow = lib.mkBefore [ "files" ];
      hosts = [ "files" "dns" ];
      services = [ "files" ];
    };

    environment.etc."nsswitch.conf".text =
      lib.concatStrings (lib.mapAttrsToList line { inherit (cfg) passwd group shadow sudoers hosts services; })
      + ''
        networks: files
        ethers: files
        protocols: files
        rpc: files
      '';
  };
}
