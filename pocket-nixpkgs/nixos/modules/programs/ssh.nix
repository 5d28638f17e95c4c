# The ssh client.
{ config, lib, pkgs, ... }:

let
  inherit (lib) mkOption types;

  cfg = config.programs.ssh;

  knownHost = { name, ... }: {
    options = {
      hostNames = mkOption { type = types.listOf types.str; default = [ name ]; description = "Names and addresses of the host."; };
      extraHostNames = mkOption { type = types.listOf types.str; default = [ ]; description = "Further ones."; };
      publicKey = mkOption { type = types.nullOr types.str; default = null; description = "Its key."; };
      publicKeyFile = mkOption { type = types.nullOr types.path; default = null; description = "A file with its keys."; };
      certAuthority = mkOption { type = types.bool; default = false; description = "Whether the key signs those of hosts."; };
    };
  };
  knownHostLine = host:
    "${lib.optionalString host.certAuthority "@cert-authority "}${
      lib.concatStringsSep "," (host.hostNames ++ host.extraHostNames)
    } ${if host.publicKey != null then host.publicKey else lib.fileContents host.publicKeyFile}\n";
in
{
  imports = [
    (lib.mkRenamedOptionModule [ "services" "openssh" "knownHosts" ] [ "programs" "ssh" "knownHosts" ])
  ];

  options.programs.ssh = {
    package = mkOption { type = types.package; default = pkgs.openssh; description = "The OpenSSH to use."; };
    extraConfig = mkOption { type = types.lines; default = ""; description = "Further lines of ssh_config."; };
    startAgent = mkOption { type = types.bool; default = false; description = "Whether an agent keeps users' keys."; };
    forwardX11 = mkOption { type = types.nullOr types.bool; default = false; description = "Whether graphical programs are forwarded."; };
    setXAuthLocation = mkOption { type = types.bool; default = false; description = "Whether xauth is found."; };
    askPassword = mkOption { type = types.str; default = ""; description = "The program that asks for passwords."; };
    knownHosts = mkOption { type = types.attrsOf (types.submodule knownHost); default = { }; description = "Keys of hosts."; };
  };

  config = {
    environment.systemPackages = [ cfg.package ];
    environment.etc."ssh/ssh_config".text = ''
      ${cfg.extraConfig}
      Host *
      GlobalKnownHostsFile /etc/ssh/ssh_known_hosts
      ${lib.optionalString (!config.networking.enableIPv6) "AddressFamily inet"}
      ${lib.optionalString (cfg.forwardX11 != null) "ForwardX11 ${if cfg.forwardX11 then "yes" else "no"}"}
    '';
    environment.etc."ssh/ssh_known_hosts".text = lib.concatMapStrings knownHostLine (lib.attrValues cfg.knownHosts);

    systemd.user.services.ssh-agent = lib.mkIf cfg.startAgent {
      description = "SSH Agent";
      wantedBy = [ "default.target" ];
      serviceConfig = {
        ExecStartPre = "${pkgs.coreutils}/bin/rm -f %t/ssh-agent";
        ExecStart = "${cfg.package}/bin/ssh-agent -a %t/ssh-agent";
        Type = "forking";
        SuccessExitStatus = "0 2";
        Restart = "on-failure";
      };
    };
    environment.extraInit = lib.mkIf cfg.startAgent ''
      if [ -z "$SSH_AUTH_SOCK" ] && [ -n "$XDG_RUNTIME_DIR" ]; then
        export SSH_AUTH_SOCK="$XDG_RUNTIME_DIR/ssh-agent"
      fi
    '';
  };
}
