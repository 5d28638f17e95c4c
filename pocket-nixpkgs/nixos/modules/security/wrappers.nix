# Programs with more rights than their user. The store keeps none: activation copies them to /run/wrappers/bin.
{
  config,
  lib,
  pkgs,
  ...
}:

let
  inherit (lib) mkOption types escapeShellArg;

  wrapper =
    { name, ... }:
    {
      options = {
        enable = mkOption {
          type = types.bool;
          default = true;
          description = "Whether the wrapper is made.";
        };
        source = mkOption {
          type = types.path;
          description = "The program.";
        };
        program = mkOption {
          type = types.str;
          default = name;
          description = "Name of the wrapper.";
        };
        owner = mkOption {
          type = types.str;
          default = "root";
          description = "Owner of the wrapper.";
        };
        group = mkOption {
          type = types.str;
          default = "root";
          description = "Group of the wrapper.";
        };
        permissions = mkOption {
          type = types.str;
          default = "u+rx,g+x,o+x";
          description = "Mode of the wrapper, without the special bits.";
        };
        setuid = mkOption {
          type = types.bool;
          default = false;
          description = "Whether the program runs as its owner.";
        };
        setgid = mkOption {
          type = types.bool;
          default = false;
          description = "Whether the program runs as its group.";
        };
        capabilities = mkOption {
          type = types.str;
          default = "";
          description = "Capabilities of the program.";
        };
      };
    };

  wrappers = lib.filter (each: each.enable) (lib.attrValues config.security.wrappers);

  setuid = source: {
    inherit source;
    owner = "root";
    group = "root";
    setuid = true;
  };

  mode = each: "u=,g=,o=,${each.permissions}${lib.optionalString each.setuid ",u+s"}${lib.optionalString each.setgid ",g+s"}";
  alike = each: "${each.owner}:${each.group} ${mode each}";

  # A program finds its libraries by absolute path, so that a copy works as well as the original.
  sources = pkgs.runCommand "wrapper-sources" { preferLocalBuild = true; } (
    "mkdir $out\n"
    + lib.concatMapStrings (each: "ln -s ${each.source} $out/${escapeShellArg each.program}\n") wrappers
  );

  # Few processes, because each boot waits for them: a boot's emulated processor starts about thirty a second.
  make =
    same:
    let
      first = lib.head same;
      names = lib.concatMapStringsSep " " (each: "\"$new\"/${escapeShellArg each.program}") same;
    in
    lib.optionalString (first.owner != "root" || first.group != "root") ''
      chown ${escapeShellArg "${first.owner}:${first.group}"} ${names}
    ''
    + ''
      chmod ${escapeShellArg (mode first)} ${names}
    '';
in
{
  options.security = {
    wrappers = mkOption {
      type = types.attrsOf (types.submodule wrapper);
      default = { };
      description = "Programs with more rights than their user.";
    };
    wrapperDir = mkOption {
      type = types.path;
      default = "/run/wrappers/bin";
      internal = true;
      description = "Where the wrappers are.";
    };
  };

  config = {
    assertions = map (each: {
      assertion = each.capabilities == "";
      message = "security.wrappers.${each.program}.capabilities is not in the pocket. Use a real nixpkgs (--nixpkgs PATH, NIX_PATH).";
    }) wrappers;

    security.wrappers = {
      su = setuid "${pkgs.util-linux}/bin/su";
      mount = setuid "${pkgs.util-linux}/bin/mount";
      umount = setuid "${pkgs.util-linux}/bin/umount";
      newgrp = setuid "${pkgs.shadow}/bin/newgrp";
      passwd = setuid "${pkgs.shadow}/bin/passwd";
    };

    # /run itself lets no program have its owner's rights.
    system.activationScripts.specialfs.text = ''
      if [ ! -L /run/wrappers/bin ]; then
        mkdir -m 0755 -p /run/wrappers
        mount -t tmpfs -o nodev,mode=755 wrappers /run/wrappers
      fi
    '';

    # A new directory takes the old one's place at once: nobody finds a half of it.
    system.activationScripts.wrappers = {
      deps = [
        "specialfs"
        "users"
      ];
      text = ''
        new=/run/wrappers/$$
        mkdir -m 0755 -p "$new"
        cp -L --no-preserve=all ${sources}/* "$new"
        ${lib.concatMapStrings make (lib.attrValues (lib.groupBy alike wrappers))}
        if [ -L /run/wrappers/bin ]; then
          old=$(readlink /run/wrappers/bin)
          ln -s "$new" "$new.link"
          mv -T "$new.link" /run/wrappers/bin
          rm -rf "$old"
        else
          ln -s "$new" /run/wrappers/bin
        fi
      '';
    };
  };
}
