# Users and groups: their options, what must hold for them, and the table that activation makes real.
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

  password =
    description:
    mkOption {
      type = types.nullOr types.str;
      default = null;
      inherit description;
    };

  passwdEntry = types.addCheck types.str (value: !lib.hasInfix ":" value && !lib.hasInfix "\n" value) // {
    name = "passwdEntry";
    description = "string without colon and newline";
  };

  # A package stands for its shell program.
  shellPath =
    shell:
    if shell == null then
      "${pkgs.shadow}/bin/nologin"
    else if shell ? shellPath then
      "${shell}${shell.shellPath}"
    else if lib.isDerivation shell then
      lib.getExe shell
    else
      toString shell;

  user =
    { name, config, ... }:
    {
      options = {
        enable = mkOption {
          type = types.bool;
          default = true;
          description = "Whether the user exists.";
        };
        name = mkOption {
          type = passwdEntry;
          description = "Name of the account.";
        };
        description = mkOption {
          type = passwdEntry;
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
          type = passwdEntry;
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
          type = types.nullOr (types.either types.shellPackage (types.either types.path passwdEntry));
          default = "${pkgs.shadow}/bin/nologin";
          defaultText = "\"\${pkgs.shadow}/bin/nologin\"";
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
          type = types.bool;
          default = false;
          description = "Accepted; no ranges are handed out.";
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
          type = types.nullOr types.str;
          default = null;
          description = "Accepted; accounts do not expire.";
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
          shell = lib.mkIf config.useDefaultShell (lib.mkDefault cfg.defaultUserShell);
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
    };

  group =
    { name, ... }:
    {
      options = {
        name = mkOption {
          type = passwdEntry;
          description = "Name of the group.";
        };
        gid = mkOption {
          type = types.nullOr types.int;
          default = null;
          description = "Number; a free one is taken when not given.";
        };
        members = mkOption {
          type = types.listOf passwdEntry;
          default = [ ];
          description = "Users that belong to it.";
        };
      };
      config.name = lib.mkDefault name;
    };

  users = lib.filter (each: each.enable) (lib.attrValues cfg.users);
  groups = lib.attrValues cfg.groups;

  membersOf = each: lib.unique (each.members ++ map (one: one.name) (lib.filter (one: lib.elem each.name one.extraGroups) users));

  # One line an entry, fields apart by a tab; an absent value is an empty field.
  field = value: if value == null then "" else lib.replaceStrings [ "\t" ] [ " " ] (toString value);
  line = fields: lib.concatMapStringsSep "\t" field fields + "\n";

  groupLine =
    each:
    line [
      "group"
      each.name
      each.gid
      (lib.concatStringsSep "," (membersOf each))
    ];

  userLine =
    each:
    line [
      "user"
      each.name
      each.uid
      each.group
      each.description
      each.home
      (shellPath each.shell)
      (if each.isSystemUser then "system" else "normal")
      (if each.createHome then each.homeMode else "")
      each.hashedPassword
      each.password
      each.hashedPasswordFile
      each.initialHashedPassword
      each.initialPassword
    ];

  table = pkgs.writeText "users-groups" (
    line [
      "mutable"
      (if cfg.mutableUsers then "yes" else "no")
    ]
    + lib.concatMapStrings groupLine groups
    + lib.concatMapStrings userLine users
  );

  duplicates = numbers: lib.attrNames (lib.filterAttrs (_: same: lib.length same > 1) (lib.groupBy toString numbers));
  uids = lib.filter (uid: uid != null) (map (each: each.uid) users);
  gids = lib.filter (gid: gid != null) (map (each: each.gid) groups);

  systemGroup = name: { gid = ids.gids.${name} or null; };

  lingering = lib.filter (each: each.linger == true) users;
in
{
  imports = [
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
      type = types.attrsOf (types.submodule user);
      default = { };
      description = "Accounts.";
    };
    groups = mkOption {
      type = types.attrsOf (types.submodule group);
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

    environment.etc = {
      "login.defs".text = lib.mkDefault ''
        DEFAULT_HOME yes
        SYS_UID_MIN 400
        SYS_UID_MAX 999
        UID_MIN 1000
        UID_MAX 29999
        SYS_GID_MIN 400
        SYS_GID_MAX 999
        GID_MIN 1000
        GID_MAX 29999
        TTYGROUP tty
        TTYPERM 0620
        ENCRYPT_METHOD YESCRYPT
        UMASK 077
        LOG_OK_LOGINS no
        FAILLOG_ENAB no
        LASTLOG_ENAB no
        ENV_SUPATH PATH=/run/wrappers/bin:/run/current-system/sw/bin
        ENV_PATH PATH=/run/wrappers/bin:/run/current-system/sw/bin
      '';
      "default/useradd".text = lib.mkDefault ''
        GROUP=100
        HOME=/home
        SHELL=${shellPath cfg.defaultUserShell}
      '';
      subuid = {
        text = lib.concatStrings (lib.concatMap (each: map (range: "${each.name}:${toString range.startUid}:${toString (range.count or 1)}\n") each.subUidRanges) users);
        mode = "0644";
      };
      subgid = {
        text = lib.concatStrings (lib.concatMap (each: map (range: "${each.name}:${toString range.startGid}:${toString (range.count or 1)}\n") each.subGidRanges) users);
        mode = "0644";
      };
    }
    // lib.listToAttrs (
      map (
        each:
        lib.nameValuePair "profiles/per-user/${each.name}" {
          source = pkgs.buildEnv {
            name = "user-environment";
            paths = each.packages;
            inherit (config.environment) pathsToLink;
          };
        }
      ) (lib.filter (each: each.packages != [ ]) users)
    );

    system.activationScripts = {
      users = {
        deps = [ "var" ];
        text = ''
          ${pkgs.perl}/bin/perl ${./update-users-groups.pl} ${table}
        '';
      };
      # Snippets that configurations name as their dependency.
      groups = {
        deps = [ "users" ];
        text = "";
      };
      # Whom systemd keeps a manager for, without a login.
      linger = {
        deps = [ "users" ];
        text = lib.optionalString (lingering != [ ]) ''
          mkdir -m 0755 -p /var/lib/systemd/linger
          touch ${lib.concatMapStringsSep " " (each: "/var/lib/systemd/linger/${lib.escapeShellArg each.name}") lingering}
        '';
      };
    };

    assertions = [
      {
        assertion = !cfg.enforceIdUniqueness || duplicates uids == [ ] && duplicates gids == [ ];
        message = "UIDs and GIDs must be unique!";
      }
      {
        assertion =
          cfg.mutableUsers
          || cfg.allowNoPasswordLogin
          || lib.any (
            each:
            (each.name == "root" || lib.elem "wheel" each.extraGroups)
            && (
              each.hashedPassword != null
              || each.password != null
              || each.hashedPasswordFile != null
              || each.openssh.authorizedKeys.keys != [ ]
              || each.openssh.authorizedKeys.keyFiles != [ ]
            )
          ) users
          || config.services.getty.autologinUser != null;
        message = ''
          Neither the root account nor any wheel user has a password or SSH authorized key.
          You must set one to prevent being locked out of your system.
          If you really want to be locked out of your system, set users.allowNoPasswordLogin = true;
          However you are most probably better off by setting users.mutableUsers = true; and
          manually running passwd root to set the root password.
        '';
      }
    ]
    ++ lib.concatMap (each: [
      {
        assertion = each.isSystemUser != each.isNormalUser || each.name == "root";
        message = ''
          Exactly one of users.users.${each.name}.isSystemUser and users.users.${each.name}.isNormalUser must be set.
        '';
      }
      {
        assertion = each.group != "";
        message = ''
          users.users.${each.name}.group is unset. This used to default to
          nogroup, but this is unsafe. For example you can create a group
          for this user with:
          users.users.${each.name}.group = "${each.name}";
          users.groups.${each.name} = {};
        '';
      }
      {
        assertion = each.group == "" || cfg.groups ? ${each.group};
        message = "users.users.${each.name}.group is `${each.group}', a group that users.groups does not have.";
      }
    ]) users;
  };
}
