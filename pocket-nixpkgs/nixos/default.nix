# The system of one configuration, as `nix-build '<nixpkgs/nixos>'` asks for it.
{
  configuration ? import ./lib/from-env.nix "NIXOS_CONFIG" <nixos-config>,
  system ? builtins.currentSystem,
  specialArgs ? { },
}:

let
  eval = import ./lib/eval-config.nix {
    inherit system specialArgs;
    modules = [ configuration ];
  };
in
{
  inherit (eval) pkgs config options;
  system = eval.config.system.build.toplevel;
  vm = eval.config.system.build.vm;
  vmWithBootLoader = throw "The pocket builds no virtual machine with a boot loader; ask a real nixpkgs for vmWithBootLoader.";
}
