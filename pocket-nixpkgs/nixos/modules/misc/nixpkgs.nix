# Where a configuration's packages come from.
{ config, lib, options, pkgs, ... }:

let
  inherit (lib) mkOption types;

  cfg = config.nixpkgs;

  overlayType = types.mkOptionType {
    name = "nixpkgs-overlay";
    description = "nixpkgs overlay";
    check = lib.isFunction;
    merge = lib.mergeOneOption;
  };

  platform = types.either types.str types.attrs;
  elaborate = given: lib.systems.elaborate given;

  system = if options.nixpkgs.hostPlatform.isDefined then cfg.hostPlatform.system else cfg.system;
in
{
  options.nixpkgs = {
    pkgs = mkOption {
      type = types.pkgs // { check = builtins.isAttrs; };
      description = "The packages to use as they are, with neither `config` nor platforms applied.";
    };
    config = mkOption {
      type = types.attrs // { merge = _path: definitions: lib.foldl' lib.recursiveUpdate { } (lib.getValues definitions); };
      default = { };
      description = "Configuration of the package set.";
    };
    overlays = mkOption {
      type = types.listOf overlayType;
      default = [ ];
      description = "Functions that add to or change the package set.";
    };
    system = mkOption {
      type = types.str;
      description = "The platform, as older configurations name it; `hostPlatform` takes precedence.";
    };
    hostPlatform = mkOption {
      type = platform;
      apply = elaborate;
      description = "The platform on which the system runs.";
    };
    buildPlatform = mkOption {
      type = platform;
      default = cfg.hostPlatform;
      defaultText = lib.literalExpression "config.nixpkgs.hostPlatform";
      apply = elaborate;
      description = "The platform on which the system is built.";
    };
    localSystem = mkOption { type = types.attrs; default = { inherit (cfg) system; }; apply = elaborate; internal = true; };
    crossSystem = mkOption { type = types.nullOr types.attrs; default = null; internal = true; };
    flake.source = mkOption { type = types.nullOr (types.either types.str types.path); default = null; description = "The source tree of nixpkgs when a flake brings it."; };
    flake.setNixPath = mkOption { type = types.bool; default = cfg.flake.source != null; description = "Whether NIX_PATH leads to that source."; };
    flake.setFlakeRegistry = mkOption { type = types.bool; default = cfg.flake.source != null; description = "Whether the registry leads to that source."; };
  };

  config._module.args.pkgs =
    if options.nixpkgs.pkgs.isDefined then
      (if cfg.overlays == [ ] then cfg.pkgs else cfg.pkgs.appendOverlays cfg.overlays)
    else
      import ../../.. { inherit (cfg) config overlays; inherit system; };

  config.assertions = [
    {
      assertion = cfg.crossSystem == null && pkgs.stdenv.hostPlatform.isLinux;
      message = "The pocket has packages of the host's own platform only; set nixpkgs.hostPlatform accordingly.";
    }
  ];
}
