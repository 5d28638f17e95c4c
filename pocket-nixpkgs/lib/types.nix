# Option types.
{ lib }:

import ./types/core.nix { inherit lib; }
// import ./types/scalars.nix { inherit lib; }
// import ./types/collections.nix { inherit lib; }
// import ./types/combined.nix { inherit lib; }
// import ./types/submodule.nix { inherit lib; }
// {
  inherit (lib) types;
}
