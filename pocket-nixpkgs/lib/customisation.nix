# Calling functions with packages, and changing what they were called with.
{ lib }:

rec {
  overrideDerivation = drv: f:
    lib.flip (extendDerivation (builtins.seq drv.drvPath true)) (derivation (drv.drvAttrs // f drv)) (
      lib.optionalAttrs (drv ? meta) { inherit (drv) meta; }
      // lib.optionalAttrs (drv ? passthru) { inherit (drv) passthru; }
    );

  makeOverridable = f:
    let
      withArgs = args:
        let
          result = f args;
          overrideArgs = new: makeOverridable f (args // (if lib.isFunction new then new args else new));
        in
        if builtins.isAttrs result then
          result
          // {
            override = lib.mirrorFunctionArgs f overrideArgs;
          }
          // lib.optionalAttrs (result ? drvAttrs && !(result ? overrideAttrs)) {
            overrideDerivation = new: overrideDerivation result new;
          }
        else if lib.isFunction result then
          lib.setFunctionArgs result (lib.functionArgs result) // { override = lib.mirrorFunctionArgs f overrideArgs; }
        else
          result;
    in
    lib.mirrorFunctionArgs f withArgs;

  callPackageWith = autoArgs: value: args:
    let
      f = if lib.isFunction value then value else import value;
      wanted = lib.functionArgs f;
      allArgs = builtins.intersectAttrs wanted autoArgs // args;
      missing = builtins.filter (name: !wanted.${name} && !(allArgs ? ${name})) (builtins.attrNames wanted);
      near = name: lib.take 3 (lib.sortOn (lib.levenshtein name) (builtins.filter (lib.levenshteinAtMost 2 name) (builtins.attrNames (autoArgs // args))));
      suggestion = name:
        let
          names = near name;
        in
        lib.optionalString (names != [ ]) ", did you mean ${lib.concatMapStringsSep " or " (other: ''"${other}"'') names}?";
      first = builtins.head missing;
    in
    if missing == [ ] then
      makeOverridable f allArgs
    else
      abort "lib.customisation.callPackageWith: Function called without required argument \"${first}\"${suggestion first}";

  callPackagesWith = autoArgs: value: args:
    let
      f = if lib.isFunction value then value else import value;
      allArgs = builtins.intersectAttrs (lib.functionArgs f) autoArgs // args;
      packages = f allArgs;
      one = name: new: (makeOverridable (newArgs: (f newArgs).${name}) new);
    in
    lib.mapAttrs (name: _: one name allArgs) (removeAttrs packages [ "override" "overrideDerivation" ]);

  extendDerivation = condition: passthru: drv:
    let
      outputs = drv.outputs or [ "out" ];
      common = drv // lib.listToAttrs outputsList // { all = map (output: output.value) outputsList; } // passthru;
      outputsList = map (name: {
        inherit name;
        value = common // {
          inherit (drv.${name}) type outputName;
          outputSpecified = true;
          drvPath = assert condition; drv.${name}.drvPath;
          outPath = assert condition; drv.${name}.outPath;
        };
      }) outputs;
    in
    common
    // {
      drvPath = assert condition; drv.drvPath;
      outPath = assert condition; drv.outPath;
    };

  hydraJob = lib.id;

  makeScope = newScope: f:
    let
      self = f self // {
        newScope = scope: newScope (self // scope);
        callPackage = self.newScope { };
        overrideScope = overlay: makeScope newScope (lib.extends overlay f);
        packages = f;
      };
    in
    self;
}
