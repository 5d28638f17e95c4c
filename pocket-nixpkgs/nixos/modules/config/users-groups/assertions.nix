# What must hold for accounts.
{ config, lib, ... }:

let
  cfg = config.users;
  users = lib.filter (each: each.enable) (lib.attrValues cfg.users);
  groups = lib.attrValues cfg.groups;

  duplicates = numbers: lib.attrNames (lib.filterAttrs (_: same: lib.length same > 1) (lib.groupBy toString numbers));
  uids = lib.filter (uid: uid != null) (map (each: each.uid) users);
  gids = lib.filter (gid: gid != null) (map (each: each.gid) groups);
in
{
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
}
