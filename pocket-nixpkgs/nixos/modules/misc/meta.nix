# Who looks after a module, and where its documentation is.
{ lib, ... }:

let
  inherit (lib) mkOption types;
in
{
  options.meta = {
    maintainers = mkOption { type = types.listOf types.unspecified; default = [ ]; internal = true; };
    teams = mkOption { type = types.listOf types.unspecified; default = [ ]; internal = true; };
    doc = mkOption { type = types.nullOr types.unspecified; default = null; internal = true; };
    buildDocsInSandbox = mkOption { type = types.bool; default = true; internal = true; };
  };

  options.lib = mkOption {
    type = types.attrsOf types.attrs;
    default = { };
    description = "Functions that modules pass to one another.";
  };
}
