# Whose own services run without a login.
{ config, lib, ... }:

let
  users = lib.filter (each: each.enable) (lib.attrValues config.users.users);
  names = wanted: map (each: each.name) (lib.filter (each: each.linger == wanted) users);
  lingering = names true;
in
{
  # An account of which the configuration says null keeps what loginctl gave it.
  system.activationScripts.linger = {
    deps = [ "users" ];
    text = ''
      for file in /var/lib/systemd/linger/*; do
        case " ${toString (names false)} " in
          *" ''${file##*/} "*) rm "$file" ;;
        esac
      done
    ''
    + lib.optionalString (lingering != [ ]) ''
      mkdir -m 0755 -p /var/lib/systemd/linger
      touch ${lib.concatMapStringsSep " " (name: "/var/lib/systemd/linger/${lib.escapeShellArg name}") lingering}
    '';
  };
}
