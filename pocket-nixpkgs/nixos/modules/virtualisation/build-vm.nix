# The variant of a configuration that runs in a virtual machine: the same modules, and qemu-vm.nix beside them.
{
  config,
  extendModules,
  lib,
  ...
}:

let
  variant = extendModules { modules = [ ./qemu-vm.nix ]; };
in
{
  options.virtualisation = {
    vmVariant = lib.mkOption {
      inherit (variant) type;
      default = { };
      visible = "shallow";
      description = "What a virtual machine adds to or changes in this configuration.";
    };
    vmVariantWithBootLoader = lib.mkOption {
      type = lib.types.deferredModule;
      default = { };
      description = "Accepted; the pocket has no boot loader to start such a machine with.";
    };
  };

  config.system.build = {
    vm = lib.mkDefault config.virtualisation.vmVariant.system.build.vm;
    vmWithBootLoader = lib.mkDefault (
      throw "vmWithBootLoader is not in the pocket: its machines start their kernel directly. Use a real nixpkgs (--nixpkgs PATH, NIX_PATH)."
    );
  };
}
