# One account: its options, and what a person's account has by default.
{ lib, pkgs, defaultUserShell }:

let
  inherit (lib) mkOption types;

  entry = import ./entry-type.nix { inherit lib; };

  password =
    description:
    mkOption {
      type = types.nullOr types.str;
      default = null;
      inherit description;
    };
in
{ name, config, ... }:
{
  options = {
    enable = mkOption {
      type = types.bool;
      default = true;
      description = "Whether the user exists.";
    };
    name = mkOption {
      type = entry;
      description = "Name of the account.";
    };
    description = mkOption {
      type = entry;
      default = "";
      description = "The person's name, or what the account is for.";
    };
    uid = mkOption {
      type = types.nullOr types.int;
      default = null;
      description = "Number; a free one is taken when not given.";
    };
    isSystemUser = mkOption {
      type = types.bool;
      default = false;
      description = "Whether the account belongs to a service.";
    };
    isNormalUser = mkOption {
      type = types.bool;
      default = false;
      description = "Whether the account belongs to a person.";
    };
    group = mkOption {
      type = types.str;
      default = "";
      description = "The primary group.";
    };
    extraGroups = mkOption {
      type = types.listOf types.str;
      default = [ ];
      description = "Further groups.";
    };
    home = mkOption {
      type = entry;
      default = "/var/empty";
      description = "Home directory.";
    };
    homeMode = mkOption {
      type = types.strMatching "[0-7]{1,5}";
      default = "700";
      description = "Mode of the home directory.";
    };
    createHome = mkOption {
      type = types.bool;
      default = false;
      description = "Whether the home directory is made.";
    };
    shell = mkOption {
      type = types.nullOr (types.either types.shellPackage (types.either types.path entry));
      default = pkgs.shadow;
      defaultText = "pkgs.shadow";
      description = "The login shell.";
    };
    useDefaultShell = mkOption {
      type = types.bool;
      default = false;
      description = "Whether the login shell is users.defaultUserShell.";
    };
    ignoreShellProgramCheck = mkOption {
      type = types.bool;
      default = false;
      description = "Accepted.";
    };
    subUidRanges = mkOption {
      type = types.listOf types.attrs;
      default = [ ];
      description = "Ranges of subordinate user numbers.";
    };
    subGidRanges = mkOption {
      type = types.listOf types.attrs;
      default = [ ];
      description = "Ranges of subordinate group numbers.";
    };
    autoSubUidGidRange = mkOption {
      type = types.enum [ false ];
      default = false;
      description = "Not in the pocket.";
    };
    hashedPassword = password "Hash of the password.";
    password = password "The password in plain text, readable by everybody.";
    initialHashedPassword = password "Hash of the password that the account starts with.";
    initialPassword = password "Password that the account starts with, readable by everybody.";
    hashedPasswordFile = password "File with the hash of the password.";
    packages = mkOption {
      type = types.listOf types.package;
      default = [ ];
      description = "Packages of this user alone.";
    };
    linger = mkOption {
      type = types.nullOr types.bool;
      default = false;
      description = "Whether the user's own services run without a login.";
    };
    expires = mkOption {
      type = types.enum [ null ];
      default = null;
      description = "Not in the pocket.";
    };
    openssh.authorizedKeys = {
      keys = mkOption {
        type = types.listOf types.singleLineStr;
        default = [ ];
        description = "Public keys that may log in.";
      };
      keyFiles = mkOption {
        type = types.listOf types.path;
        default = [ ];
        description = "Files with public keys that may log in.";
      };
    };
  };

  config = lib.mkMerge [
    {
      name = lib.mkDefault name;
      shell = lib.mkIf config.useDefaultShell (lib.mkDefault defaultUserShell);
    }
    (lib.mkIf config.isNormalUser {
      group = lib.mkDefault "users";
      createHome = lib.mkDefault true;
      home = lib.mkDefault "/home/${config.name}";
      useDefaultShell = lib.mkDefault true;
      isSystemUser = lib.mkDefault false;
    })
    # Numbers below 1000 were system users before there was an option that says so.
    (lib.mkIf (!config.isNormalUser && config.uid != null && config.uid < 1000) {
      isSystemUser = lib.mkDefault true;
    })
  ];
}
