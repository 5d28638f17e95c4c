# bin/switch-to-configuration: moves a running machine from its system to this one.
{
  config,
  lib,
  pkgs,
  ...
}:

let
  inherit (lib) mkOption types;
in
{
  options.system = {
    switch.enable = mkOption {
      type = types.bool;
      default = true;
      description = "Whether the closure can switch a running machine.";
    };
    preSwitchChecks = mkOption {
      type = types.attrsOf types.str;
      default = { };
      description = "Shell texts that may forbid a switch.";
    };
  };

  config.system.systemBuilderCommands = lib.mkIf config.system.switch.enable ''
    sed \
      -e "s#@out@#$out#g" \
      -e 's#@perl@#${pkgs.perl}#g' \
      -e 's#@systemd@#${config.systemd.package}#g' \
      -e 's#@modules@#${./switch}#g' \
      -e 's#@coreutils@#${pkgs.coreutils}#g' \
      -e 's#@preSwitchChecks@#${
        pkgs.writeShellScript "pre-switch-checks" (
          lib.concatStrings (
            lib.mapAttrsToList (name: text: ''
              (
              ${text}
              ) || { echo "pre-switch check '${name}' failed" >&2; exit 1; }
            '') config.system.preSwitchChecks
          )
        )
      }#g' \
      ${./switch/main.pl} > $out/bin/switch-to-configuration
    chmod +x $out/bin/switch-to-configuration
  '';
}
