# The ssh server.
{ config, lib, pkgs, ... }:

let
  inherit (lib) mkOption types;

  cfg = config.services.openssh;

  settingText = value:
    if builtins.isBool value then
      (if value then "yes" else "no")
    else if builtins.isList value then
      lib.concatStringsSep "," value
    else
      toString value;
  # sshd takes the first value it reads for most keywords, and these list several on one line.
  listKeys = [ "AllowUsers" "AllowGroups" "DenyUsers" "DenyGroups" ];
  line = name: value: "${name} ${if builtins.elem name listKeys && builtins.isList value then toString value else settingText value}\n";
  settings = lib.filterAttrs (_: value: value != null) cfg.settings;

  configuration = pkgs.writeText "sshd_config" ''
    ${lib.concatStrings (lib.mapAttrsToList line settings)}
    ${lib.concatMapStrings (port: "Port ${toString port}\n") cfg.ports}
    ${lib.concatMapStrings (
      { addr, port, ... }: "ListenAddress ${if builtins.match ".*:.*" addr != null then "[${addr}]" else addr}${lib.optionalString (port != null) ":${toString port}"}\n"
    ) cfg.listenAddresses}
    ${lib.optionalString (!config.networking.enableIPv6) "AddressFamily inet"}
    ${lib.optionalString cfg.allowSFTP "Subsystem sftp ${cfg.sftpServerExecutable} ${toString cfg.sftpFlags}"}
    AuthorizedKeysFile ${toString cfg.authorizedKeysFiles}
    ${lib.concatMapStrings (key: "HostKey ${key.path}\n") cfg.hostKeys}
    ${cfg.extraConfig}
  '';

  # What the server itself thinks of its configuration, asked while it is built.
  checked = pkgs.runCommand "sshd.conf-final" { preferLocalBuild = true; } ''
    cp ${configuration} config
    ${cfg.package}/bin/ssh-keygen -q -f mock-hostkey -N ""
    # Lines with keys of the machine to be are left out: they do not exist yet.
    sed '/^HostKey /d' config > check
    ${cfg.package}/bin/sshd -t -f check -h "$PWD/mock-hostkey" 2> errors || {
      # A build's user is none that sshd could separate privileges with.
      if grep -vE 'Privilege separation user|Missing privilege separation directory' errors | grep -q .; then
        cat errors >&2
        exit 1
      fi
    }
    cp ${configuration} $out
  '';

  nullable = type: default: description: mkOption { type = types.nullOr type; inherit default description; };

  renamed = from: to: lib.mkRenamedOptionModule ([ "services" "openssh" ] ++ from) ([ "services" "openssh" ] ++ to);

  usersWithKeys = lib.filterAttrs (
    _: user: user.openssh.authorizedKeys.keys != [ ] || user.openssh.authorizedKeys.keyFiles != [ ]
  ) config.users.users;
  keysOf = user: user.openssh.authorizedKeys.keys ++ map (file: lib.removeSuffix "\n" (builtins.readFile file)) user.openssh.authorizedKeys.keyFiles;
in
{
  imports = [
    (lib.mkAliasOptionModule [ "services" "sshd" "enable" ] [ "services" "openssh" "enable" ])
    (renamed [ "permitRootLogin" ] [ "settings" "PermitRootLogin" ])
    (renamed [ "passwordAuthentication" ] [ "settings" "PasswordAuthentication" ])
    (renamed [ "challengeResponseAuthentication" ] [ "settings" "KbdInteractiveAuthentication" ])
    (renamed [ "kbdInteractiveAuthentication" ] [ "settings" "KbdInteractiveAuthentication" ])
    (renamed [ "forwardX11" ] [ "settings" "X11Forwarding" ])
    (renamed [ "gatewayPorts" ] [ "settings" "GatewayPorts" ])
    (renamed [ "useDns" ] [ "settings" "UseDns" ])
    (renamed [ "logLevel" ] [ "settings" "LogLevel" ])
    (renamed [ "ciphers" ] [ "settings" "Ciphers" ])
    (renamed [ "macs" ] [ "settings" "Macs" ])
    (renamed [ "kexAlgorithms" ] [ "settings" "KexAlgorithms" ])
  ];

  options.services.openssh = {
    enable = lib.mkEnableOption "the OpenSSH secure shell daemon";
    package = mkOption { type = types.package; default = pkgs.openssh; defaultText = lib.literalExpression "pkgs.openssh"; description = "The OpenSSH to use."; };
    startWhenNeeded = mkOption { type = types.bool; default = false; description = "Whether the server is started by the first connection."; };
    ports = mkOption { type = types.listOf types.port; default = [ 22 ]; description = "Ports on which the server listens."; };
    openFirewall = mkOption { type = types.bool; default = true; description = "Whether the firewall opens those ports."; };
    listenAddresses = mkOption {
      type = types.listOf (types.submodule {
        options.addr = mkOption { type = types.str; description = "The address."; };
        options.port = mkOption { type = types.nullOr types.port; default = null; description = "The port; null for all of `ports`."; };
      });
      default = [ ];
      description = "Addresses on which the server listens; none for all.";
    };
    hostKeys = mkOption {
      type = types.listOf types.attrs;
      # No RSA key, as NixOS has it: an emulated processor needs half a minute for one.
      default = [ { type = "ed25519"; path = "/etc/ssh/ssh_host_ed25519_key"; } ];
      description = "The server's keys, made where they are missing.";
    };
    generateHostKeys = mkOption { type = types.bool; default = true; description = "Whether missing keys are made."; };
    allowSFTP = mkOption { type = types.bool; default = true; description = "Whether files can be transferred."; };
    sftpServerExecutable = mkOption { type = types.str; default = "${cfg.package}/lib/openssh/sftp-server"; description = "The program that transfers them."; };
    sftpFlags = mkOption { type = types.listOf types.str; default = [ ]; description = "Its options."; };
    authorizedKeysFiles = mkOption { type = types.listOf types.str; default = [ ]; description = "Files with the keys of users, relative to their homes."; };
    authorizedKeysInHomedir = mkOption { type = types.bool; default = true; description = "Whether ~/.ssh/authorized_keys is one of them."; };
    banner = mkOption { type = types.nullOr types.lines; default = null; description = "A text shown before authentication."; };
    extraConfig = mkOption { type = types.lines; default = ""; description = "Further lines of sshd_config."; };
    moduliFile = mkOption { type = types.nullOr types.path; default = null; description = "A file with groups for key exchange."; };
    settings = mkOption {
      default = { };
      description = "Keywords of sshd_config.";
      type = types.submodule {
        freeformType = with types; attrsOf (nullOr (oneOf [ str int bool path (listOf str) ]));
        options = {
          AuthorizedPrincipalsFile = nullable types.str "none" "The file with accepted principals.";
          LogLevel = nullable (types.enum [ "QUIET" "FATAL" "ERROR" "INFO" "VERBOSE" "DEBUG" "DEBUG1" "DEBUG2" "DEBUG3" ]) "INFO" "How much is logged.";
          UsePAM = nullable types.bool true "Whether PAM decides on sessions.";
          UseDns = nullable types.bool false "Whether names of clients are looked up.";
          X11Forwarding = nullable types.bool false "Whether graphical programs may be forwarded.";
          PasswordAuthentication = nullable types.bool true "Whether passwords are accepted.";
          PermitRootLogin = nullable (types.enum [ "yes" "without-password" "prohibit-password" "forced-commands-only" "no" ]) "prohibit-password" "Whether root may log in.";
          KbdInteractiveAuthentication = nullable types.bool true "Whether PAM may ask questions.";
          GatewayPorts = nullable types.str "no" "Whether others may use forwarded ports.";
          StrictModes = nullable types.bool true "Whether permissions of users' files are checked.";
          KexAlgorithms = nullable (types.listOf types.str) null "Algorithms of key exchange.";
          Ciphers = nullable (types.listOf types.str) null "Ciphers.";
          Macs = nullable (types.listOf types.str) null "Message authentication codes.";
          AllowUsers = nullable (types.listOf types.str) null "The only users who may log in.";
          DenyUsers = nullable (types.listOf types.str) null "Users who may not log in.";
          AllowGroups = nullable (types.listOf types.str) null "The only groups whose members may log in.";
          DenyGroups = nullable (types.listOf types.str) null "Groups whose members may not log in.";
          PrintMotd = nullable types.bool false "Whether sshd itself shows /etc/motd.";
        };
      };
    };
  };

  config = lib.mkMerge [
    {
      # Keys are the machine's, whether or not its server is this one.
      environment.etc = lib.mapAttrs' (
        name: user:
        lib.nameValuePair "ssh/authorized_keys.d/${user.name}" {
          mode = "0444";
          text = lib.concatMapStrings (key: key + "\n") (keysOf user);
        }
      ) usersWithKeys;
    }
    (lib.mkIf cfg.enable {
      users.users.sshd = {
        isSystemUser = true;
        group = "sshd";
        description = "SSH privilege separation user";
      };
      users.groups.sshd = { };

      services.openssh.authorizedKeysFiles =
        lib.optional cfg.authorizedKeysInHomedir "%h/.ssh/authorized_keys" ++ [ "/etc/ssh/authorized_keys.d/%u" ];
      services.openssh.extraConfig = lib.mkIf (cfg.banner != null) "Banner ${pkgs.writeText "ssh_banner" cfg.banner}";
      services.openssh.settings.SetEnv = lib.mkDefault null;

      environment.etc."ssh/sshd_config".source = checked;
      environment.etc."ssh/moduli" = lib.mkIf (cfg.moduliFile != null) { source = cfg.moduliFile; };

      networking.firewall.allowedTCPPorts = lib.optionals cfg.openFirewall cfg.ports;

      security.pam.services.sshd = {
        startSession = true;
        showMotd = true;
        unixAuth = lib.mkIf (cfg.settings.PasswordAuthentication == false) (lib.mkDefault false);
      };

      systemd.services.sshd-keygen = lib.mkIf (cfg.generateHostKeys && cfg.hostKeys != [ ]) {
        description = "SSH Host Keys Generation";
        unitConfig.ConditionFileNotEmpty = map (key: "|!${key.path}") cfg.hostKeys;
        serviceConfig.Type = "oneshot";
        path = [ cfg.package pkgs.coreutils ];
        script = lib.concatMapStrings (key: ''
          if [ ! -s ${lib.escapeShellArg key.path} ]; then
            rm -f ${lib.escapeShellArg key.path}
            mkdir -p "$(dirname ${lib.escapeShellArg key.path})"
            ssh-keygen -q -t ${lib.escapeShellArg key.type} ${lib.optionalString (key ? bits) "-b ${toString key.bits}"} \
              ${lib.optionalString (key ? rounds) "-a ${toString key.rounds}"} ${lib.optionalString (key ? comment) "-C ${lib.escapeShellArg key.comment}"} \
              -f ${lib.escapeShellArg key.path} -N ""
          fi
        '') cfg.hostKeys;
      };

      systemd.services.sshd = {
        description = "SSH Daemon";
        wantedBy = lib.optional (!cfg.startWhenNeeded) "multi-user.target";
        wants = lib.optional (cfg.generateHostKeys && cfg.hostKeys != [ ]) "sshd-keygen.service";
        after = [ "network.target" "sshd-keygen.service" ];
        # Sessions live on in units of their own.
        stopIfChanged = false;
        path = [ cfg.package pkgs.gawk ];
        restartTriggers = [ checked ];
        serviceConfig = {
          Type = "notify";
          Restart = "always";
          ExecStart = "${cfg.package}/bin/sshd -D -f /etc/ssh/sshd_config";
          KillMode = "process";
          RuntimeDirectory = "sshd";
          RuntimeDirectoryMode = "0755";
        };
      };

      systemd.sockets.sshd = lib.mkIf cfg.startWhenNeeded {
        description = "SSH Socket";
        wantedBy = [ "sockets.target" ];
        socketConfig.ListenStream = map toString cfg.ports;
        socketConfig.Accept = true;
      };
      systemd.services."sshd@" = lib.mkIf cfg.startWhenNeeded {
        description = "SSH per-connection Daemon";
        wants = [ "sshd-keygen.service" ];
        after = [ "network.target" "sshd-keygen.service" ];
        stopIfChanged = false;
        serviceConfig = {
          ExecStart = "-${cfg.package}/bin/sshd -i -e -f /etc/ssh/sshd_config";
          KillMode = "process";
          StandardInput = "socket";
          StandardError = "journal";
          RuntimeDirectory = "sshd";
          RuntimeDirectoryPreserve = true;
        };
      };
    })
  ];
}
