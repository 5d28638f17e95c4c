# The package set. Names and arguments are nixpkgs'; the packages are the host distribution's own.
{
  localSystem ? { inherit system; },
  system ? builtins.currentSystem,
  config ? { },
  overlays ? [ ],
  ...
}:

let
  lib = import ./lib;
  platform = if builtins.isString localSystem then localSystem else localSystem.system or system;
  configuration = if builtins.isFunction config then config { inherit pkgs; } else config;

  base = self: {
    inherit lib overlays;
    config = configuration;
    path = ./.;
    system = platform;

    callPackage = lib.callPackageWith self;
    newScope = extra: lib.callPackageWith (self // extra);
    appendOverlays = more: import ./. { inherit config; localSystem = platform; overlays = overlays ++ more; };
    extend = overlay: self.appendOverlays [ overlay ];
    pkgs = self;
    buildPackages = self;
    pkgsHostTarget = self;
    pkgsBuildBuild = self;
    targetPackages = self;
  };

  layers = [
    (self: _: import ./pkgs/packages.nix { pkgs = self; inherit lib; system = platform; })
    (self: _: import ./pkgs/stdenv.nix { pkgs = self; inherit lib; })
    (self: _: import ./pkgs/text-builders.nix { pkgs = self; inherit lib; })
    (self: _: import ./pkgs/tree-builders.nix { pkgs = self; inherit lib; })
    (self: _: import ./pkgs/boot-builders.nix { pkgs = self; inherit lib; })
    (self: _: import ./pkgs/formats.nix { pkgs = self; inherit lib; })
  ]
  ++ overlays;

  pkgs = lib.fix (lib.foldl' (lower: upper: self: let previous = lower self; in previous // upper self previous) base layers);
in
pkgs
