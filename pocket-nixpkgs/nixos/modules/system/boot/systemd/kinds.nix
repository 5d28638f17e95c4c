# The kinds of units: the options of each, and the entries of a unit tree that they become.
{
  lib,
  pkgs,
  # Of every service.
  globalEnvironment,
}:

let
  inherit (lib) mkOption types;

  unitOptions = import ./unit-options.nix { inherit lib pkgs; };
  unitText = import ./unit-text.nix { inherit lib pkgs; };
  escapePath = import ./escape-path.nix { inherit lib; };

  kinds = {
    services = {
      options = unitOptions.service;
      suffix = "service";
      text = unitText.service globalEnvironment;
    };
    sockets = {
      options = unitOptions.socket;
      suffix = "socket";
      text = unitText.socket;
    };
    timers = {
      options = unitOptions.timer;
      suffix = "timer";
      text = unitText.timer;
    };
    paths = {
      options = unitOptions.path;
      suffix = "path";
      text = unitText.path;
    };
    slices = {
      options = unitOptions.slice;
      suffix = "slice";
      text = unitText.slice;
    };
    targets = {
      options = unitOptions.target;
      suffix = "target";
      text = unitText.target;
    };
  };

  unitsOption =
    kind: options:
    mkOption {
      type = types.attrsOf (types.submodule [ unitOptions.common options ]);
      default = { };
      description = "Units of the kind ${kind}.";
    };

  mountOption =
    kind: options:
    mkOption {
      type = types.listOf (types.submodule [ unitOptions.common options ]);
      default = [ ];
      description = "Units of the kind ${kind}; their names follow from where they mount.";
    };

  treeEntry = text: unit: {
    inherit text;
    inherit (unit)
      enable
      overrideStrategy
      wantedBy
      requiredBy
      upheldBy
      aliases
      ;
  };

  unitsOf =
    from: kind:
    let
      inherit (kinds.${kind}) suffix text;
    in
    lib.mapAttrs' (name: unit: lib.nameValuePair "${name}.${suffix}" (treeEntry (text name unit) unit)) from.${kind};

  mountUnits =
    suffix: text: mounts:
    lib.listToAttrs (
      map (unit: lib.nameValuePair "${escapePath unit.where}.${suffix}" (treeEntry (text unit.where unit) unit)) mounts
    );
in
{
  options = lib.mapAttrs (kind: { options, ... }: unitsOption kind options) kinds;
  mounts = mountOption "mount" unitOptions.mount;
  automounts = mountOption "automount" unitOptions.automount;

  # name -> entry, of all kinds that have names.
  units = from: lib.foldl' (units: kind: units // unitsOf from kind) { } (lib.attrNames kinds);
  mountUnits = mountUnits "mount" unitText.mount;
  automountUnits = mountUnits "automount" unitText.automount;

  # A unit given as text.
  raw = types.submodule {
    options = unitOptions.common.options // {
      text = mkOption {
        type = types.lines;
        default = "";
        description = "Text of the unit file.";
      };
    };
  };

  inherit (unitOptions) setting;
}
