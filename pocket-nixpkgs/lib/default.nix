# The library: the functions of nixpkgs' lib that configurations and this tree use, by the same names.
let
  inherit (import ./fixed-points.nix { lib = null; }) makeExtensible;
in
makeExtensible (
  self:
  let
    callLibs = file: import file { lib = self; };
  in
  {
    trivial = callLibs ./trivial.nix;
    fixedPoints = callLibs ./fixed-points.nix;
    attrsets = callLibs ./attrsets.nix;
    lists = callLibs ./lists.nix;
    strings = callLibs ./strings.nix;
    stringsWithDeps = callLibs ./strings-with-deps.nix;
    versions = callLibs ./versions.nix;
    asserts = callLibs ./asserts.nix;
    debug = callLibs ./debug.nix;
    filesystem = callLibs ./filesystem.nix;
    sources = callLibs ./sources.nix;
    generators = callLibs ./generators.nix;
    cli = callLibs ./cli.nix;
    customisation = callLibs ./customisation.nix;
    meta = callLibs ./meta.nix;
    systems = callLibs ./systems.nix;
    platforms = self.systems.doubles;
    licenses = import ./licenses.nix;
    maintainers = { };
    teams = { };
    options = callLibs ./options.nix;
    modules = callLibs ./modules.nix;
    types = callLibs ./types.nix;
    pocketNote = import ./pocket-note.nix;

    inherit (builtins)
      addErrorContext getContext hasContext hashString isPath placeholder toFile toXML tryEval unsafeGetAttrPos
      fromTOML fromJSON toJSON typeOf;
    toString = builtins.toString;

    inherit (self.trivial)
      add and bitAnd bitNot bitOr bitXor boolToString boolToYesNo ceil checkListOfEnum compare concat const deepSeq
      defaultTo div flip floor fromHexString functionArgs genericClosure id importJSON importTOML inNixShell
      inPureEvalMode info isBool isFloat isFunction isInOldestRelease isInt lessThan mapNullable max mergeAttrs min
      mirrorFunctionArgs mod mul nixpkgsVersion oldestSupportedReleaseIsAtLeast "or" pathExists pipe readFile
      revisionWithDefault seq setFunctionArgs showWarnings splitByAndCompare sub throwIf throwIfNot toBaseDigits
      toFunction toHexString version versionSuffix warn warnIf warnIfNot xor;
    inherit (self.fixedPoints)
      composeExtensions composeManyExtensions converge extends fix fix' makeExtensible makeExtensibleWithCustomName
      toExtension;
    inherit (self.attrsets)
      attrByPath attrNames attrVals attrValues attrsToList cartesianProduct cartesianProductOfSets catAttrs
      chooseDevOutputs collect concatMapAttrs dontRecurseIntoAttrs filterAttrs filterAttrsRecursive foldAttrs
      foldlAttrs genAttrs genAttrs' getAttr getAttrFromPath getAttrs getBin getDev getFirstOutput getInclude getLib
      getMan getOutput getStatic hasAttr hasAttrByPath intersectAttrs isAttrs isDerivation listToAttrs mapAttrs
      mapAttrs' mapAttrsRecursive mapAttrsRecursiveCond mapAttrsToList mapAttrsToListRecursive
      mapAttrsToListRecursiveCond mapCartesianProduct matchAttrs mergeAttrsList nameValuePair optionalAttrs
      overrideExisting recurseIntoAttrs recursiveUpdate recursiveUpdateUntil removeAttrs setAttrByPath showAttrPath
      toDerivation unionOfDisjoint updateManyAttrsByPath zipAttrs zipAttrsWith zipAttrsWithNames;
    inherit (self.lists)
      all allUnique any commonPrefix compareLists concatAttrValues concatLists concatMap count crossLists drop
      dropEnd elem elemAt filter findFirst findSingle flatten fold foldl foldl' foldr forEach genList groupBy
      groupBy' head ifilter0 imap0 imap1 init intersectLists isList last length listDfs map mutuallyExclusive
      naturalSort optional optionals partition range remove replaceElemAt replicate reverseList singleton sort
      sortOn sublist subtractLists tail take takeEnd toList toposort unique uniqueStrings zipLists zipListsWith;
    inherit (self.strings)
      addContextFrom appendContext cmakeBool cmakeFeature cmakeOptionType compareVersions concatImapStrings
      concatImapStringsSep concatLines concatMapAttrsStringSep concatMapStrings concatMapStringsSep concatStrings
      concatStringsSep enableFeature enableFeatureAs escape escapeNixIdentifier escapeNixString escapeRegex
      escapeShellArg escapeShellArgs escapeURL escapeXML fileContents fixedWidthNumber fixedWidthString floatToString
      getName getVersion hasInfix hasPrefix hasSuffix intersperse isStorePath isString isStringLike
      isValidPosixName join levenshtein levenshteinAtMost lowerChars makeBinPath makeIncludePath makeLibraryPath
      makeSearchPath makeSearchPathOutput match mesonBool mesonEnable mesonOption nameFromURL normalizePath
      optionalString parseDrvName removePrefix removeSuffix replaceString replaceStrings sanitizeDerivationName
      split splitString splitStringBy stringAsChars stringLength stringToCharacters substring toCamelCase toInt
      toIntBase10 toLower toSentenceCase toShellVar toShellVars toUpper trim trimWith unsafeDiscardStringContext
      upperChars versionAtLeast versionOlder withFeature withFeatureAs;
    inherit (self.stringsWithDeps) fullDepEntry noDepEntry packEntry stringAfter textClosureList textClosureMap;
    inherit (self.versions) splitVersion;
    inherit (self.asserts) assertMsg assertOneOf;
    inherit (self.debug)
      runTests testAllTrue trace traceFnSeqN traceIf traceSeq traceSeqN traceVal traceValFn traceValSeq
      traceValSeqFn traceValSeqN traceValSeqNFn;
    inherit (self.filesystem)
      baseNameOf dirOf hashFile pathIsDirectory pathIsRegularFile pathType readDir readFileType;
    inherit (self.sources)
      canCleanSource cleanSource cleanSourceFilter cleanSourceWith filterSource pathHasContext pathIsGitRepo
      sourceByRegex sourceFilesBySuffices;
    inherit (self.customisation)
      callPackageWith callPackagesWith extendDerivation hydraJob makeOverridable makeScope overrideDerivation;
    inherit (self.meta)
      addMetaAttrs appendToName availableOn dontDistribute getExe getExe' getLicenseFromSpdxId hiPrio hiPrioSet
      lowPrio lowPrioSet mapDerivationAttrset setName setPrio updateName;
    inherit (self.options)
      getFiles getValues isOption literalExpression literalMD mergeDefaultOption mergeEqualOption mergeOneOption
      mergeUniqueOption mkEnableOption mkOption mkPackageOption mkSinkUndeclaredOptions optionAttrSetToDocList
      optionAttrSetToDocList' scrubOptionValue showFiles showOption showOptionWithDefLocs unknownModule;
    inherit (self.modules)
      applyModuleArgsIfFunction collectModules dischargeProperties doRename evalModules evalOptionValue
      filterOverrides fixupOptionType mergeAttrDefinitionsWithPrio mergeDefinitions mergeModules mergeModules'
      mergeOptionDecls mkAfter mkAliasAndWrapDefinitions mkAliasDefinitions mkAliasOptionModule
      mkAliasOptionModuleMD mkAssert mkBefore mkChangedOptionModule mkDefault mkDefinition mkDerivedConfig
      mkFixStrictness mkForce mkIf mkImageMediaOverride mkMerge mkMergedOptionModule mkOptionDefault mkOrder
      mkOverride mkRemovedOptionModule mkRenamedOptionModule mkRenamedOptionModuleWith mkVMOverride
      pushDownProperties setDefaultModuleLocation sortProperties unifyModuleSyntax;
    inherit (self.types) defaultFunctor defaultTypeMerge isOptionType isType mkOptionType setType;
    inherit (self.generators) mkLuaInline;

    fakeHash = "sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    fakeSha256 = self.strings.replicate 64 "0";
    fakeSha512 = self.strings.replicate 128 "0";
  }
)
