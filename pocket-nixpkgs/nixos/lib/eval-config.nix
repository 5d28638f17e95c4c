# A configuration's modules together with those of the tree.
evalConfigArgs@{
  # null where a module sets nixpkgs.hostPlatform, as flakes do.
  system ? builtins.currentSystem,
  pkgs ? null,
  baseModules ? import ../modules/module-list.nix,
  extraArgs ? { },
  specialArgs ? { },
  modules,
  modulesLocation ? (builtins.unsafeGetAttrPos "modules" evalConfigArgs).file or null,
  check ? true,
  prefix ? [ ],
  lib ? import ../../lib,
  extraModules ? [ ],
}:

let
  located =
    if modulesLocation == null then modules else map (lib.setDefaultModuleLocation modulesLocation) modules;

  fromArguments = {
    _file = ./eval-config.nix;
    key = ./eval-config.nix;
    config = {
      _module.args = { utils = import ./utils.nix { inherit lib; }; } // extraArgs;
      _module.check = lib.mkDefault check;
      nixpkgs.system = lib.mkIf (system != null) (lib.mkDefault system);
      nixpkgs.pkgs = lib.mkIf (pkgs != null) (lib.mkForce pkgs);
    };
  };

  evaluate = eval: eval // {
    inherit (eval._module.args) pkgs;
    inherit lib;
    extendModules = args: evaluate (eval.extendModules args);
  };
in
evaluate (
  lib.evalModules {
    inherit prefix;
    class = "nixos";
    specialArgs = { modulesPath = toString ../modules; } // specialArgs;
    modules =
      located
      ++ baseModules
      ++ extraModules
      ++ [
        fromArguments
        {
          _module.args = { inherit baseModules extraModules modules; };
        }
      ];
  }
)
