# Metadata of packages.
{ lib }:

rec {
  addMetaAttrs = new: drv: drv // { meta = drv.meta or { } // new; };
  setName = name: drv: drv // { inherit name; };
  updateName = f: drv: drv // { name = f drv.name; };
  appendToName = suffix: updateName (
    name:
    let
      parsed = builtins.parseDrvName name;
    in
    "${parsed.name}-${suffix}${lib.optionalString (parsed.version != "") "-${parsed.version}"}"
  );

  dontDistribute = addMetaAttrs { hydraPlatforms = [ ]; };
  setPrio = priority: addMetaAttrs { inherit priority; };
  lowPrio = setPrio 10;
  hiPrio = setPrio (-10);
  defaultPriority = 5;
  mapDerivationAttrset = f: lib.mapAttrs (_: value: if lib.isDerivation value then f value else value);
  lowPrioSet = mapDerivationAttrset lowPrio;
  hiPrioSet = mapDerivationAttrset hiPrio;

  platformMatch = platform: pattern:
    if builtins.isString pattern then pattern == platform.system else lib.matchAttrs pattern platform;
  availableOn = platform: package:
    (!(package ? meta.platforms) || lib.any (platformMatch platform) package.meta.platforms)
    && lib.all (pattern: !platformMatch platform pattern) (package.meta.badPlatforms or [ ]);

  getExe = package:
    getExe' package (
      package.meta.mainProgram or (lib.warn
        "getExe: ${package.pname or package.name} has no meta.mainProgram; its own name is taken for it."
        (lib.getName package)
      )
    );
  getExe' = package: program:
    assert lib.assertMsg (lib.isDerivation package)
      "lib.meta.getExe': The first argument is of type ${builtins.typeOf package}, but it should be a derivation instead.";
    assert lib.assertMsg (builtins.isString program)
      "lib.meta.getExe': The second argument is of type ${builtins.typeOf program}, but it should be a string instead.";
    assert lib.assertMsg (builtins.match ".*/.*" program == null)
      "lib.meta.getExe': The second argument \"${program}\" is a nested path with a \"/\" character, but it should just be the name of the executable instead.";
    "${lib.getBin package}/bin/${program}";

  getLicenseFromSpdxId = id:
    lib.findFirst (license: license.spdxId or null == id) { shortName = id; } (builtins.attrValues lib.licenses);
}
