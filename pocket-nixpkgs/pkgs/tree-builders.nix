# Builders of trees out of other trees, and of facts about closures.
{ pkgs, lib }:

let
  perl = "${pkgs.pocket.bootstrap}/bin/perl -I${pkgs.pocket.bootstrap}/perl/lib";

  merged =
    { name, paths, pathsToLink ? [ "/" ], ignoreCollisions ? false, extraPrefix ? "", postBuild ? "", deep ? false, passthru ? { }, meta ? { }, nativeBuildInputs ? [ ], buildInputs ? [ ], ... }:
    pkgs.runCommandLocal name
      {
        inherit extraPrefix deep passthru meta nativeBuildInputs buildInputs pathsToLink;
        ignoreCollisions = if ignoreCollisions == true then "1" else "";
        trees = lib.concatMapStrings (path: "${toString (path.meta.priority or 5)} ${path}\n") (lib.filter (path: path != null) paths);
        passAsFile = [ "trees" ];
      }
      ''
        trees=$(< "$treesPath") ${perl} ${./build-env.pl}
        ${postBuild}
      '';
in
{
  buildEnv = arguments: merged (removeAttrs arguments [ "deep" ]);
  symlinkJoin = { name ? "${arguments.pname}-${arguments.version}", paths, ... }@arguments:
    merged (arguments // { inherit name; deep = true; ignoreCollisions = true; });

  linkFarm = name: entries:
    let
      list = if builtins.isAttrs entries then lib.mapAttrsToList (name: path: { inherit name path; }) entries else entries;
    in
    pkgs.runCommandLocal name { } ''
      mkdir -p $out
      ${lib.concatMapStrings ({ name, path }: ''
        mkdir -p "$(dirname $out/${lib.escapeShellArg name})"
        ln -s ${lib.escapeShellArg "${path}"} $out/${lib.escapeShellArg name}
      '') list}
    '';
  linkFarmFromDrvs = name: drvs: pkgs.linkFarm name (map (drv: { inherit (drv) name; path = drv; }) drvs);

  # store-paths: a closure's paths; registration: what `nix-store --load-db` reads.
  closureInfo = { rootPaths }:
    let
      roots = if builtins.isList rootPaths then rootPaths else [ rootPaths ];
      # A file in a store path stands for the store path; substring, unlike match, keeps what the text refers to.
      storePathOf = path:
        let text = "${path}"; in
        builtins.substring 0 (builtins.stringLength (builtins.head (builtins.match "(${builtins.storeDir}/[^/]+).*" text))) text;
    in
    derivation {
      name = "closure-info";
      inherit (pkgs) system;
      builder = "${pkgs.bash}/bin/bash";
      __structuredAttrs = true;
      exportReferencesGraph.closure = map storePathOf roots;
      preferLocalBuild = true;
      PATH = lib.makeBinPath [ pkgs.coreutils pkgs.jq ];
      args = [
        "-e"
        (builtins.toFile "closure-info.sh" ''
          . "''${NIX_ATTRS_SH_FILE:-.attrs.sh}"
          export PATH
          out=''${outputs[out]}
          attributes=''${NIX_ATTRS_JSON_FILE:-.attrs.json}
          mkdir $out
          jq -r '.closure | sort_by(.path)[].path' "$attributes" > $out/store-paths
          jq -r '[.closure[].narSize] | add // 0' "$attributes" > $out/total-nar-size
          jq -j '.closure | sort_by(.path)[] | [.path, .narHash, .narSize, "", (.references | length)] + .references | map("\(.)\n") | add' "$attributes" > $out/registration
        '')
      ];
    }
    // { meta = { }; };

  # The closure's paths, one a line.
  writeClosure = paths: pkgs.runCommandLocal "closure" { } "cp ${pkgs.closureInfo { rootPaths = paths; }}/store-paths $out";
  writeReferencesToFile = path: pkgs.writeClosure [ path ];
}
