# The closure of a system: what is deployed, with everything that a boot, a switch, or a reader needs in one directory.
{
  config,
  lib,
  pkgs,
  ...
}:

let
  inherit (lib) mkOption types;

  hasKernel = config.boot.kernel.enable;
  kernel = config.system.build.kernel;

  failed = map (each: each.message) (lib.filter (each: !each.assertion) config.assertions);

  # Nothing that fails its own assertions is built.
  checked =
    system:
    if failed != [ ] then
      throw "\nFailed assertions:\n${lib.concatMapStringsSep "\n" (message: "- ${message}") failed}"
    else
      lib.foldr (warning: built: builtins.trace "warning: ${warning}" built) system config.warnings;

  system = pkgs.runCommand "nixos-system-${config.system.name}-${config.system.nixos.label}" {
    preferLocalBuild = true;
    passAsFile = [
      "activate"
      "dryActivate"
      "kernelParams"
      "extraDependencies"
    ];
    activate = config.system.activationScript;
    dryActivate = config.system.dryActivationScript;
    kernelParams = toString config.boot.kernelParams;
    extraDependencies = toString config.system.extraDependencies;
    inherit (config.system) checks;
  } ''
    mkdir $out

    substituteSelf() {
      sed "s#@out@#$out#; s#@systemConfig@#$out#" "$1" > "$2"
      chmod +x "$2"
    }

    ${lib.optionalString hasKernel ''
      ln -s ${kernel}/${config.system.boot.loader.kernelFile} $out/kernel
      ln -s ${lib.head config.system.modulesTree} $out/kernel-modules
      cp "$kernelParamsPath" $out/kernel-params
    ''}
    ${lib.optionalString (hasKernel && config.boot.initrd.enable) ''
      ln -s ${config.system.build.initialRamdisk}/${config.system.boot.loader.initrdFile} $out/initrd
    ''}

    substituteSelf ${config.system.build.bootStage2} $out/init
    substituteSelf "$activatePath" $out/activate
    substituteSelf "$dryActivatePath" $out/dry-activate

    ln -s ${config.system.build.etc}/etc $out/etc
    ln -s ${config.system.path} $out/sw
    ln -s ${config.systemd.package} $out/systemd

    echo -n "systemd 2" > $out/init-interface-version
    echo -n ${lib.escapeShellArg config.system.nixos.label} > $out/nixos-version
    echo -n ${lib.escapeShellArg pkgs.stdenv.hostPlatform.system} > $out/system
    cp "$extraDependenciesPath" $out/extra-dependencies

    mkdir $out/bin $out/specialisation
    ${config.system.systemBuilderCommands}
  '';
in
{
  options.system = {
    build = mkOption {
      type = types.submoduleWith {
        modules = [ { freeformType = with types; lazyAttrsOf (uniq unspecified); } ];
      };
      default = { };
      description = "What can be built of the configuration.";
    };

    name = mkOption {
      type = types.str;
      default = if config.networking.hostName == "" then "unnamed" else config.networking.hostName;
      defaultText = "networking.hostName, or \"unnamed\"";
      description = "Name of the system, part of its store path.";
    };

    extraDependencies = mkOption {
      type = types.listOf types.path;
      default = [ ];
      description = "Store paths that are deployed with the system.";
    };

    checks = mkOption {
      type = types.listOf types.package;
      default = [ ];
      internal = true;
      description = "Derivations that must build for the system to build.";
    };

    systemBuilderCommands = mkOption {
      type = types.lines;
      default = "";
      internal = true;
      description = "Shell text that adds to the closure.";
    };

    copySystemConfiguration = mkOption {
      type = types.bool;
      default = false;
      description = "Accepted; the configuration is not copied into the closure.";
    };
  };

  config.system.build.toplevel = checked system;
}
