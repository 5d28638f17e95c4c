# Activation: the script that puts a running system's files in order, and its variant that only says what it would do.
{
  config,
  lib,
  pkgs,
  ...
}:

let
  inherit (lib) mkOption types;

  snippet =
    { ... }:
    {
      options = {
        deps = mkOption {
          type = types.listOf types.str;
          default = [ ];
          description = "Snippets that run before this one.";
        };
        text = mkOption {
          type = types.lines;
          default = "";
          description = "Shell text.";
        };
        supportsDryActivation = mkOption {
          type = types.bool;
          default = false;
          description = "Whether the text looks at NIXOS_ACTION and changes nothing when it is dry-activate.";
        };
      };
    };

  snippets = mkOption {
    type = types.attrsOf (types.coercedTo types.str (text: { inherit text; }) (types.submodule snippet));
    default = { };
    description = "Snippets of the activation script.";
  };

  ordered =
    wanted:
    let
      names = lib.attrNames wanted;
      sorted = lib.toposort (first: second: lib.elem first wanted.${second}.deps) names;
    in
    sorted.result or (throw "The activation scripts' `deps' lead in a circle: ${toString sorted.cycle}");

  run =
    wanted: name:
    ''
      #### Activation script snippet ${name}:
      _localstatus=0
      ${wanted.${name}.text}

      if (( _localstatus > 0 )); then
        printf "Activation script snippet '%s' failed (%s)\n" ${lib.escapeShellArg name} "$_localstatus"
      fi
    '';

  script =
    onlyDry: wanted:
    ''
      #!${pkgs.bash}/bin/bash

      systemConfig=@out@

      export PATH=/empty:${
        lib.makeBinPath (
          map lib.getBin [
            pkgs.coreutils
            pkgs.gnugrep
            pkgs.findutils
            pkgs.util-linux
            pkgs.shadow
          ]
        )
      }

      _status=0
      trap "_status=1 _localstatus=\$?" ERR

      # Ensure a consistent umask.
      umask 0022

      ${lib.concatMapStringsSep "\n" (run wanted) (ordered wanted)}
    ''
    + lib.optionalString (!onlyDry) ''

      # Make this configuration the current configuration.
      ln -sfn "$(readlink -f "$systemConfig")" /run/current-system

      # What the running system consists of must not be collected.
      mkdir -p /nix/var/nix/gcroots
      ln -sfn /run/current-system /nix/var/nix/gcroots/current-system
    ''
    + ''

      exit $_status
    '';

  dry =
    let
      kept = lib.filterAttrs (_: each: each.supportsDryActivation) config.system.activationScripts;
    in
    lib.mapAttrs (_: each: each // { deps = lib.filter (name: kept ? ${name}) each.deps; }) kept;

  # Put in place at once, so that nobody finds it missing; nothing to do costs no process.
  linkAt = link: target: ''
    if [ -L ${link} ]; then
      if [ ! ${link} -ef ${target} ]; then
        ln -sfn ${target} ${link}.tmp
        mv -T ${link}.tmp ${link}
      fi
    else
      mkdir -m 0755 -p ${dirOf link}
      ln -s ${target} ${link}
    fi
  '';

  allDependencies = lib.concatMap (each: each.deps) (lib.attrValues config.system.activationScripts);
in
{
  options.system = {
    activationScripts = snippets;
    userActivationScripts = snippets;

    dryActivationScript = mkOption {
      type = types.str;
      internal = true;
      readOnly = true;
      description = "The script of a dry activation.";
    };
    activationScript = mkOption {
      type = types.str;
      internal = true;
      readOnly = true;
      description = "The script of an activation.";
    };
  };

  config = {
    assertions = map (name: {
      assertion = config.system.activationScripts ? ${name};
      message = "system.activationScripts: a snippet depends on `${name}', which does not exist.";
    }) (lib.unique allDependencies);

    system = {
      activationScript = script false config.system.activationScripts;
      dryActivationScript = script true dry;

      activationScripts = {
        stdio.text = "";

        # Directories that programs take for granted.
        var.text = ''
          if [ ! -e /var/log/wtmp ]; then
            mkdir -m 0755 -p /var/log /var/lib /var/cache /var/db /var/lib/nixos
            mkdir -m 1777 -p /var/tmp
            mkdir -m 0555 -p /var/empty
            ln -sfn /run /var/run
            : > /var/log/wtmp
            : > /var/log/lastlog
          fi
        '';

        binsh = {
          deps = [ "stdio" ];
          text = linkAt "/bin/sh" config.environment.binsh;
        };

        usrbinenv.text =
          if config.environment.usrbinenv == null then
            ''
              rm -f /usr/bin/env
            ''
          else
            linkAt "/usr/bin/env" config.environment.usrbinenv;

        # Snippets that configurations name as their dependency.
        specialfs.text = "";
      };
    };

  };
}
