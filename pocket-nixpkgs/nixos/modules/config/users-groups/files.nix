# Files that the programs of accounts read, and the packages of one user alone.
{
  config,
  lib,
  pkgs,
  utils,
  ...
}:

let
  cfg = config.users;
  users = lib.filter (each: each.enable) (lib.attrValues cfg.users);
in
{
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
      SHELL=${utils.toShellPath cfg.defaultUserShell}
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
}
