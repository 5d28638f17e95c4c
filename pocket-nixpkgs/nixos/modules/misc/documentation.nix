# Documentation: the pocket has none, the options for it exist so that configurations can turn it off.
{ lib, ... }:

let
  switch = what: default: lib.mkOption {
    type = lib.types.bool;
    inherit default;
    description = "Whether to install ${what}.";
  };
in
{
  options.documentation = {
    enable = switch "documentation of packages" true;
    man.enable = switch "manual pages" true;
    man.generateCaches = switch "the index of manual pages" false;
    info.enable = switch "info pages" true;
    doc.enable = switch "documentation in share/doc" true;
    dev.enable = switch "documentation for developers" false;
    nixos.enable = switch "NixOS's own manual" true;
    nixos.includeAllModules = switch "options of all modules in the manual" false;
  };
}
