# The distribution's packages as derivations, by the names in debian-packages.list or, where no line names them, their own.
# Packages that need one another are one derivation.
{ lib, system }:

let
  inherit (builtins) mapAttrs concatStringsSep;

  lockFile = ../packages.json;
  lock =
    if builtins.pathExists lockFile then
      builtins.fromJSON (builtins.readFile lockFile)
    else
      throw ''
        the pocket's packages are not fetched yet: run ${toString ../fetch-packages} (npm run setup does it), or use a real nixpkgs (--nixpkgs PATH, NIX_PATH)'';
  check = value:
    if lock.system == system then
      value
    else
      throw "the pocket has the packages of its host, ${lock.system}, and none for ${system}: use a real nixpkgs (--nixpkgs PATH, NIX_PATH)";

  relocations = import ./relocations.nix;
  fixups = import ./fixups.nix;
  loader =
    {
      x86_64-linux = "ld-linux-x86-64.so.2";
      aarch64-linux = "ld-linux-aarch64.so.1";
    }
    .${system};

  # fetch-packages has put these into the store already; a mirror serves those that were collected as garbage since.
  fetched = name: mode: sha256: url: derivation {
    inherit name system url;
    builder = "builtin:fetchurl";
    urls = [ url ];
    outputHash = sha256;
    outputHashAlgo = "sha256";
    outputHashMode = mode;
    preferLocalBuild = true;
    executable = false;
    unpack = false;
  };

  debs = mapAttrs (_: deb: fetched deb.file "flat" deb.sha256 deb.uri) lock.debs;

  # No mirror has it: fetch-packages makes it.
  seed = fetched "pocket-bootstrap-seed" "recursive" lock.seed.sha256 "file://${toString ../fetch-packages}";

  bootstrap = derivation {
    name = "pocket-bootstrap";
    inherit system seed loader;
    builder = "${seed}/lib/${loader}";
    args = [ "--library-path" "${seed}/lib" "${seed}/bin/perl" "-I${seed}/perl/lib" ./bootstrap.pl ];
  };

  # What scripts are run by. A package that one of these is made of has no scripts that matter.
  interpretersOf =
    let
      closure = builtins.genericClosure {
        startSet = [ { key = "bash"; } { key = "perl"; } ];
        operator = { key }: map (key: { inherit key; }) lock.groups.${key}.depends;
      };
      early = builtins.listToAttrs (map ({ key }: { name = key; value = null; }) closure);
    in
    name: if name == "perl" then [ packages.bash ] else if early ? ${name} then [ ] else [ packages.bash packages.perl ];

  # Epoch and revision are the distribution's own, and no part of the version that people know.
  package = name: group:
    let
      main = if lock.debs ? ${name} && builtins.elem name group.debs then name else lib.findFirst (deb: lib.hasInfix name deb) (builtins.head group.debs) group.debs;
      version = builtins.elemAt (builtins.match "([0-9]+:)?([^-+~]*).*" lock.debs.${main}.version) 1;
    in
    derivation {
      name = "${name}-${version}";
      inherit system loader;
      builder = "${bootstrap}/bin/perl";
      args = [ ./unpack.pl ];
      PATH = "${bootstrap}/bin";
      PERL5LIB = "${bootstrap}/perl/lib";
      debs = map (deb: debs.${deb}) group.debs;
      dependencies = map (dependency: packages.${dependency}) group.depends;
      interpreters = interpretersOf name;
      fixup = fixups.${name} or "";
      relocations = concatStringsSep "\n" (lib.mapAttrsToList (from: to: "${from} ${to}") relocations);
      preferLocalBuild = true;
    }
    // {
      pname = name;
      inherit version;
    };

  packages = mapAttrs package lock.groups;
in
check {
  inherit packages bootstrap;
  inherit (lock) distribution;
  debsOf = mapAttrs (_: group: group.debs) lock.groups;
}
