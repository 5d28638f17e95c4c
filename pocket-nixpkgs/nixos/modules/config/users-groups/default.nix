# Users and groups: their options, and those that every machine has.
{
  config,
  lib,
  pkgs,
  ...
}:

let
  inherit (lib) mkOption types;

  cfg = config.users;
  ids = config.ids;

  systemGroup = name: { gid = ids.gids.${name} or null; };
in
{
  imports = [
    ./assertions.nix
    ./files.nix
    ./linger.nix
    ./table.nix
    (lib.mkAliasOptionModule [ "users" "extraUsers" ] [ "users" "users" ])
    (lib.mkAliasOptionModule [ "users" "extraGroups" ] [ "users" "groups" ])
  ];

  options.users = {
    mutableUsers = mkOption {
      type = types.bool;
      default = true;
      description = "Whether useradd, passwd and the like may change what is declared here.";
    };
    enforceIdUniqueness = mkOption {
      type = types.bool;
      default = true;
      description = "Whether no two users and no two groups may share a number.";
    };
    allowNoPasswordLogin = mkOption {
      type = types.bool;
      default = false;
      description = "Whether a machine that nobody can log in to is accepted.";
    };
    defaultUserShell = mkOption {
      type = types.either types.path types.shellPackage;
      default = pkgs.bashInteractive;
      defaultText = "pkgs.bashInteractive";
      description = "Login shell of people.";
    };
    users = mkOption {
      type = types.attrsOf (types.submodule (import ./user.nix { inherit lib pkgs; inherit (cfg) defaultUserShell; }));
      default = { };
      description = "Accounts.";
    };
    groups = mkOption {
      type = types.attrsOf (types.submodule (import ./group.nix { inherit lib; }));
      default = { };
      description = "Groups.";
    };
  };

  config = {
    users.users = {
      root = {
        uid = ids.uids.root;
        description = "System administrator";
        home = "/root";
        shell = lib.mkDefault cfg.defaultUserShell;
        group = "root";
      };
      nobody = {
        uid = ids.uids.nobody;
        isSystemUser = true;
        description = "Unprivileged account (don't use!)";
        group = "nogroup";
      };
    };

    users.groups = lib.genAttrs [
      "root"
      "wheel"
      "disk"
      "kmem"
      "tty"
      "floppy"
      "uucp"
      "lp"
      "cdrom"
      "tape"
      "audio"
      "video"
      "dialout"
      "nogroup"
      "users"
      "utmp"
      "adm"
      "input"
      "kvm"
      "render"
      "sgx"
      "shadow"
      "systemd-journal"
      "keys"
      "nixbld"
    ] systemGroup // { shadow.gid = 318; };

    environment.systemPackages = [ pkgs.shadow ];

    # Snippets that configurations name as their dependency.
    system.activationScripts.groups = {
      deps = [ "users" ];
      text = "";
    };
  };
}
