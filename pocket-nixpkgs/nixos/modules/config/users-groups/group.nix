# One group.
{ lib }:

let
  inherit (lib) mkOption types;

  entry = import ./entry-type.nix { inherit lib; };
in
{ name, ... }:
{
  options = {
    name = mkOption {
      type = entry;
      description = "Name of the group.";
    };
    gid = mkOption {
      type = types.nullOr types.int;
      default = null;
      description = "Number; a free one is taken when not given.";
    };
    members = mkOption {
      type = types.listOf entry;
      default = [ ];
      description = "Users that belong to it.";
    };
  };
  config.name = lib.mkDefault name;
}
