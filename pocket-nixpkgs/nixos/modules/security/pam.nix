# PAM: a file under /etc/pam.d for each program that asks who somebody is.
{
  config,
  lib,
  pkgs,
  ...
}:

let
  inherit (lib) mkOption types optionalString;

  flag =
    default: description:
    mkOption {
      type = types.bool;
      inherit default description;
    };

  module = name: "${pkgs.pam}/lib/security/${name}.so";
  systemdModule = "${config.systemd.package}/lib/security/pam_systemd.so";

  limits = pkgs.writeText "limits.conf" (
    lib.concatMapStrings (limit: "${limit.domain} ${limit.type} ${limit.item} ${toString limit.value}\n") config.security.pam.loginLimits
  );

  service =
    { name, config, ... }:
    {
      options = {
        name = mkOption {
          type = types.str;
          default = name;
          description = "Name of the program.";
        };
        enable = flag true "Whether the file is made.";
        rootOK = flag false "Whether root is let in without being asked.";
        unixAuth = flag true "Whether passwords of /etc/shadow let in.";
        allowNullPassword = flag false "Whether an account without a password is let in.";
        requireWheel = flag false "Whether only members of wheel are let in.";
        startSession = flag false "Whether logind is told about the session.";
        setEnvironment = flag true "Whether the session's environment is set.";
        setLoginUid = flag config.startSession "Whether the audit trail learns who logged in.";
        showMotd = flag false "Accepted.";
        updateWtmp = flag false "Accepted.";
        forwardXAuth = flag false "Accepted.";
        sshAgentAuth = mkOption {
          type = types.enum [ false ];
          default = false;
          description = "Not in the pocket.";
        };
        text = mkOption {
          type = types.nullOr types.lines;
          default = null;
          description = "The file's text.";
        };
      };

      config.text = lib.mkDefault ''
        # Account management.
        account required ${module "pam_unix"}

        # Authentication management.
        ${optionalString config.rootOK "auth sufficient ${module "pam_rootok"}"}
        ${optionalString config.requireWheel "auth required ${module "pam_wheel"} use_uid"}
        ${optionalString config.unixAuth "auth sufficient ${module "pam_unix"} ${optionalString config.allowNullPassword "nullok "}likeauth try_first_pass"}
        auth required ${module "pam_deny"}

        # Password management.
        password sufficient ${module "pam_unix"} nullok yescrypt

        # Session management.
        ${optionalString config.setEnvironment "session required ${module "pam_env"} conffile=/etc/pam/environment readenv=0"}
        session required ${module "pam_unix"}
        ${optionalString config.setLoginUid "session optional ${module "pam_loginuid"}"}
        ${optionalString config.startSession "session optional ${systemdModule}"}
        session required ${module "pam_limits"} conf=${limits}
      '';
    };

  deny = ''
    auth required ${module "pam_deny"}
    account required ${module "pam_deny"}
    password required ${module "pam_deny"}
    session required ${module "pam_deny"}
  '';
in
{
  options.security.pam = {
    services = mkOption {
      type = types.attrsOf (types.submodule service);
      default = { };
      description = "Programs that use PAM.";
    };
    loginLimits = mkOption {
      type = types.listOf types.attrs;
      default = [ ];
      description = "Limits of sessions: domain, type, item, value.";
    };
  };

  config = {
    security.pam.services = {
      login = {
        startSession = true;
        allowNullPassword = true;
      };
      su = {
        rootOK = true;
        setLoginUid = false;
      };
      # A login session of its own, with the user's manager: what tests run commands of a user in.
      su-l = {
        rootOK = true;
        startSession = true;
        setLoginUid = false;
      };
      runuser = {
        rootOK = true;
        unixAuth = false;
      };
      runuser-l = {
        rootOK = true;
        unixAuth = false;
      };
      systemd-user = {
        text = ''
          account required ${module "pam_unix"}
          session optional ${module "pam_loginuid"}
          session required ${module "pam_env"} conffile=/etc/pam/environment readenv=0
          session optional ${systemdModule}
        '';
      };
      other.text = deny;
      passwd = { };
      chpasswd.rootOK = true;
      chsh.rootOK = true;
      chfn.rootOK = true;
      useradd.rootOK = true;
      userdel.rootOK = true;
      usermod.rootOK = true;
      groupadd.rootOK = true;
      groupdel.rootOK = true;
      groupmod.rootOK = true;
      newgrp = { };
      cron = { };
      vlock = { };
    };

    environment.etc = lib.mapAttrs' (
      name: given: lib.nameValuePair "pam.d/${name}" { source = pkgs.writeText "${name}.pam" given.text; }
    ) (lib.filterAttrs (_: given: given.enable) config.security.pam.services);
  };
}
