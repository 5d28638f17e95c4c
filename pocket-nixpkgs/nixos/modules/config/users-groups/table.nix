# The table of accounts that activation makes real: see update-users-groups.pl.
{
  config,
  lib,
  pkgs,
  utils,
  ...
}:

let
  inherit (utils) toShellPath;

  cfg = config.users;
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
      (if each.shell == null then toShellPath pkgs.shadow else toShellPath each.shell)
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
in
{
  system.activationScripts.users = {
    deps = [ "var" ];
    text = ''
      ${pkgs.perl}/bin/perl ${./update-users-groups.pl} ${table}
    '';
  };
}
