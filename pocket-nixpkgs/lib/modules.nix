# The module system.
{ lib }:

import ./modules/properties.nix { inherit lib; }
// import ./modules/collect.nix { inherit lib; }
// import ./modules/merge.nix { inherit lib; }
// import ./modules/rename.nix { inherit lib; }
// import ./modules/evaluate.nix { inherit lib; }
