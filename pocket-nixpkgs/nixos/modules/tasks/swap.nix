# Swap devices, and swap files that are made when they are missing.
{
  config,
  lib,
  pkgs,
  ...
}:

let
  inherit (lib) mkOption types;

  swapDevice =
    { config, ... }:
    {
      options = {
        device = mkOption {
          type = types.str;
          description = "Device or file.";
        };
        label = mkOption {
          type = types.nullOr types.str;
          default = null;
          description = "Label that the device is found by.";
        };
        size = mkOption {
          type = types.nullOr types.int;
          default = null;
          description = "Size of the file in MiB; the file is made when it is missing.";
        };
        priority = mkOption {
          type = types.nullOr types.int;
          default = null;
          description = "Devices of higher priority are used first.";
        };
        options = mkOption {
          type = types.listOf types.str;
          default = [ "defaults" ];
          description = "Options of the entry in fstab.";
        };
        randomEncryption.enable = mkOption {
          type = types.bool;
          default = false;
          description = "Whether a new random key encrypts it at each boot.";
        };
      };
      config.device = lib.mkIf (config.label != null) (lib.mkDefault "/dev/disk/by-label/${config.label}");
    };

  made = lib.filter (swap: swap.size != null) config.swapDevices;
  unitName = device: lib.replaceStrings [ "/" ] [ "-" ] (lib.removePrefix "/" device);
in
{
  options.swapDevices = mkOption {
    type = types.listOf (types.submodule swapDevice);
    default = [ ];
    description = "Where memory is paged out to.";
  };

  config = {
    assertions = map (swap: {
      assertion = !swap.randomEncryption.enable;
      message = "swapDevices: random encryption is not in the pocket.";
    }) config.swapDevices;

    systemd.services = lib.listToAttrs (
      map (
        swap:
        lib.nameValuePair "mkswap-${unitName swap.device}" {
          description = "Initialisation of swap file ${swap.device}";
          requiredBy = [ "${unitName swap.device}.swap" ];
          before = [ "${unitName swap.device}.swap" ];
          path = [ pkgs.util-linux ];
          unitConfig = {
            DefaultDependencies = false;
            RequiresMountsFor = dirOf swap.device;
          };
          serviceConfig.Type = "oneshot";
          script = ''
            [ -e '${swap.device}' ] || {
              fallocate -l ${toString swap.size}M '${swap.device}'
              chmod 0600 '${swap.device}'
              mkswap '${swap.device}'
            }
          '';
        }
      ) made
    );
  };
}
