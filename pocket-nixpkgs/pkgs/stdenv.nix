# How a derivation is built here: bash with the usual programs on PATH. There is no compiler.
{ pkgs, lib }:

let
  # What every builder finds on PATH.
  usual = [ pkgs.coreutils pkgs.findutils pkgs.diffutils pkgs.gnused pkgs.gnugrep pkgs.gawk pkgs.gnutar pkgs.gzip pkgs.bzip2 pkgs.xz pkgs.bash ];

  # Not part of the derivation: only for those who look at it.
  outside = [ "meta" "passthru" "nativeBuildInputs" "buildInputs" "propagatedBuildInputs" "depsBuildBuild" "strictDeps" "pos" ];

  setup = builtins.toFile "setup.sh" ''
    set -e
    export HOME=/homeless-shelter TZ=UTC LC_ALL=C
    umask 022
    runHook() { if [ -n "''${!1:-}" ]; then eval "''${!1}"; fi; }
    mkdir -p "$NIX_BUILD_TOP/work"
  '';

  shellDerivation = attributes:
    let
      inputs = lib.concatMap (name: attributes.${name} or [ ]) [ "nativeBuildInputs" "buildInputs" "propagatedBuildInputs" ];
      name = attributes.name or "${attributes.pname}-${attributes.version or "0"}";
      passthru = attributes.passthru or { };
      drv = derivation (
        {
          inherit (pkgs) system;
          builder = "${pkgs.bash}/bin/bash";
          args = [ "-e" "-c" ''. ${setup}; eval "$(< "''${buildCommandPath}")"'' ];
          PATH = lib.makeBinPath (inputs ++ usual);
        }
        // removeAttrs attributes outside
        // {
          name = lib.strings.sanitizeDerivationName name;
          passAsFile = lib.unique ([ "buildCommand" ] ++ attributes.passAsFile or [ ]);
        }
      );
      self = passthru // drv // {
        inherit passthru;
        meta = attributes.meta or { };
        pname = attributes.pname or (lib.getName name);
        version = attributes.version or (lib.getVersion name);
        override = _: self;
        overrideAttrs = change:
          shellDerivation (attributes // (if builtins.isFunction change then lib.toFunction (change attributes) attributes else change));
      };
    in
    self;

  # Phases, for packages that only unpack, patch and install.
  mkDerivation = argument:
    let
      attributes = if builtins.isFunction argument then lib.fix argument else argument;
    in
    shellDerivation (
      {
        buildCommand = ''
          cd "$NIX_BUILD_TOP/work"
          if [ -n "''${unpackPhase:-}" ]; then eval "$unpackPhase"
          elif [ -n "''${src:-}" ] && [ -z "''${dontUnpack:-}" ]; then
            if [ -d "$src" ]; then cp -r "$src" source; chmod -R u+w source; else tar -xf "$src"; fi
            cd "$(ls | head -n 1)"
          fi
          for patch in ''${patches:-}; do patch -p1 < "$patch"; done
          for phase in patchPhase configurePhase buildPhase checkPhase installPhase fixupPhase; do
            runHook "pre''${phase^}"
            if [ -n "''${!phase:-}" ]; then eval "''${!phase}"; fi
            runHook "post''${phase^}"
          done
        '';
      }
      // attributes
    );

  shell = "${pkgs.bash}/bin/bash";
  platform = lib.systems.elaborate pkgs.system;
in
{
  inherit mkDerivation;
  stdenv = {
    inherit mkDerivation shell;
    inherit (pkgs) system;
    hostPlatform = platform;
    buildPlatform = platform;
    targetPlatform = platform;
    isLinux = true;
    isDarwin = false;
    isx86_64 = pkgs.system == "x86_64-linux";
    isAarch64 = pkgs.system == "aarch64-linux";
    cc.libc = pkgs.glibc;
  };
  stdenvNoCC = pkgs.stdenv;
  hostPlatform = platform;
  runtimeShell = shell;
  runtimeShellPackage = pkgs.bash;

  runCommand = name: attributes: text: shellDerivation (attributes // { inherit name; buildCommand = text; });
  runCommandLocal = name: attributes: text:
    shellDerivation (attributes // { inherit name; buildCommand = text; preferLocalBuild = true; allowSubstitutes = false; });
  runCommandNoCC = pkgs.runCommand;
  runCommandCC = pkgs.runCommand;

  fetchurl = { url ? builtins.head urls, urls ? [ url ], sha256 ? "", hash ? sha256, name ? baseNameOf (toString url), executable ? false, ... }:
    derivation {
      inherit name url urls executable;
      inherit (pkgs) system;
      builder = "builtin:fetchurl";
      outputHash = hash;
      outputHashAlgo = if lib.hasInfix "-" hash then null else "sha256";
      outputHashMode = if executable then "recursive" else "flat";
      preferLocalBuild = true;
      unpack = false;
    };
}
