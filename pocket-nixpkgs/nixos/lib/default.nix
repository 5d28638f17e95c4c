# What `<nixpkgs/nixos/lib>` and a flake's `lib.nixos` offer.
{ lib ? import ../../lib, ... }:
{
  evalModules = { modules ? [ ], specialArgs ? { }, prefix ? [ ] }:
    lib.evalModules {
      inherit prefix specialArgs;
      modules = modules;
      class = "nixos";
    };
  evalSystemConfiguration = args: import ./eval-config.nix ({ inherit lib; } // args);
}
