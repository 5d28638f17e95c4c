# /etc: a tree in the store, and links to it.
{
  config,
  lib,
  pkgs,
  ...
}:

let
  inherit (lib) mkOption types escapeShellArg;

  entry =
    { name, config, options, ... }:
    {
      options = {
        enable = mkOption {
          type = types.bool;
          default = true;
          description = "Whether the file is made.";
        };
        target = mkOption {
          type = types.str;
          description = "Its path below /etc.";
        };
        text = mkOption {
          type = types.nullOr types.lines;
          default = null;
          description = "Its text.";
        };
        source = mkOption {
          type = types.path;
          description = "The file that it is a link to.";
        };
        mode = mkOption {
          type = types.str;
          default = "symlink";
          description = "`symlink', `direct-symlink', or the mode of a copy.";
        };
        uid = mkOption {
          type = types.int;
          default = 0;
          description = "Owner of a copy.";
        };
        gid = mkOption {
          type = types.int;
          default = 0;
          description = "Group of a copy.";
        };
        user = mkOption {
          type = types.str;
          default = "+${toString config.uid}";
          description = "Owner of a copy, by name.";
        };
        group = mkOption {
          type = types.str;
          default = "+${toString config.gid}";
          description = "Group of a copy, by name.";
        };
      };
      config = {
        target = lib.mkDefault name;
        source = lib.mkIf (config.text != null) (
          lib.mkOverride options.text.highestPrio (
            pkgs.writeText (lib.strings.sanitizeDerivationName "etc-${baseNameOf name}") config.text
          )
        );
      };
    };

  entries = lib.filter (each: each.enable) (lib.attrValues config.environment.etc);

  # A source may be a pattern: `directory/*`.
  make = each: ''
    entry ${
      lib.concatMapStringsSep " " escapeShellArg [
        "${each.source}"
        each.target
        each.mode
        each.user
        each.group
      ]
    }
  '';

  tree = pkgs.runCommand "etc" { preferLocalBuild = true; } ''
    mkdir -p $out/etc
    cd $out/etc

    entry() {
      if [[ $1 == *'*'* ]]; then
        mkdir -p "$2"
        for each in $1; do
          ln -s "$each" "$2"
        done
        return
      fi
      mkdir -p "$(dirname "$2")"
      if [ -e "$2" ] && [ "$(readlink "$2")" != "$1" ]; then
        echo "/etc/$2 has two sources: $(readlink "$2") and $1" >&2
        exit 1
      fi
      ln -sfn "$1" "$2"
      if [ "$3" != symlink ]; then
        echo "$3" > "$2.mode"
        echo "$4" > "$2.uid"
        echo "$5" > "$2.gid"
      fi
    }

    ${lib.concatMapStrings make entries}
  '';
in
{
  options.environment.etc = mkOption {
    type = types.attrsOf (types.submodule entry);
    default = { };
    description = "Files below /etc.";
  };

  config = {
    system.build.etc = tree;

    system.activationScripts.etc = {
      deps = [
        "users"
        "groups"
      ];
      text = ''
        echo "setting up /etc..."
        ${pkgs.perl}/bin/perl ${./setup-etc.pl} ${tree}/etc
      '';
    };
  };
}
