{
  description = "dryboot's pocket: enough of NixOS to try dryboot without a binary cache; not NixOS";

  outputs = { self }:
    let
      lib = import ./lib;
      systems = [ "x86_64-linux" "aarch64-linux" ];
    in
    {
      lib = lib.extend (
        _final: _previous: {
          nixos = import ./nixos/lib { };
          nixosSystem = args:
            import ./nixos/lib/eval-config.nix (
              {
                inherit lib;
                # Flakes are pure: the platform comes from nixpkgs.hostPlatform or from the caller.
                system = null;
                modulesLocation = (builtins.unsafeGetAttrPos "modules" args).file or null;
              }
              // args
            );
        }
      );

      legacyPackages = lib.genAttrs systems (system: import ./. { inherit system; });

      nixosModules.notDetected = ./nixos/modules/installer/scan/not-detected.nix;
    };
}
