# Modules as values of options.
{ lib }:

let
  inherit (lib.modules) evalModules setDefaultModuleLocation;
  inherit (lib.options) showOption;
  inherit (lib.types) defaultFunctor isNounOrComposite mkOptionType noCheckForDocsModule optionDescriptionPhrase path;

  isModule = value: builtins.isAttrs value || lib.isFunction value || path.check value;

  agree = what: a: b:
    if a == null then
      b
    else if b == null || a == b then
      a
    else
      throw "A submoduleWith option is declared multiple times with conflicting ${what}";

  mergePayloads = a: b:
    let
      shared = builtins.attrNames (builtins.intersectAttrs a.specialArgs b.specialArgs);
    in
    {
      modules = a.modules ++ b.modules;
      specialArgs =
        if shared == [ ] then
          a.specialArgs // b.specialArgs
        else
          throw "A submoduleWith option is declared multiple times with the same specialArgs \"${toString shared}\"";
      class = agree "class values" a.class b.class;
      shorthandOnlyDefinesConfig =
        agree "shorthandOnlyDefinesConfig values" a.shorthandOnlyDefinesConfig b.shorthandOnlyDefinesConfig;
      description = agree "descriptions" a.description b.description;
    };
in
rec {
  submodule = modules: submoduleWith {
    shorthandOnlyDefinesConfig = true;
    modules = lib.toList modules;
  };

  submoduleWith =
    attributes@{ modules, specialArgs ? { }, shorthandOnlyDefinesConfig ? false, description ? null, class ? null }:
    let
      asModule = { file, value, ... }:
        if builtins.isAttrs value && shorthandOnlyDefinesConfig == true then
          { _file = file; config = value; }
        else
          { _file = file; imports = [ value ]; };

      base = evalModules {
        inherit class specialArgs;
        modules = [ { _module.args.name = lib.mkOptionDefault "‹name›"; } ] ++ modules;
      };
      inherit (base._module) freeformType;

      forDocs = prefix: base.extendModules { inherit prefix; modules = [ noCheckForDocsModule ]; };
      docsFreeform = (forDocs [ ])._module.freeformType;
    in
    mkOptionType {
      name = "submodule";
      description =
        if description != null then
          description
        else if docsFreeform ? description then
          "open submodule of ${optionDescriptionPhrase isNounOrComposite docsFreeform}"
        else
          "submodule";
      check = isModule;
      merge = path: definitions:
        (base.extendModules {
          modules = [ { _module.args.name = lib.last path; } ] ++ map asModule definitions;
          prefix = path;
        }).config;
      emptyValue.value = base.config;
      getSubOptions = prefix:
        let
          docs = forDocs prefix;
        in
        docs.options
        // lib.optionalAttrs (docs._module.freeformType != null) {
          _freeformOptions = docs._module.freeformType.getSubOptions prefix;
        };
      getSubModules = modules;
      substSubModules = replaced: submoduleWith (attributes // { modules = replaced; });
      nestedTypes = lib.optionalAttrs (freeformType != null) { inherit freeformType; };
      functor = defaultFunctor "submodule" // {
        type = submoduleWith;
        payload = { inherit modules class specialArgs shorthandOnlyDefinesConfig description; };
        binOp = mergePayloads;
      };
    };

  # A module that is not evaluated here, but passed on.
  deferredModule = deferredModuleWith { };
  deferredModuleWith = attributes@{ staticModules ? [ ] }: mkOptionType {
    name = "deferredModule";
    description = "module";
    descriptionClass = "noun";
    check = isModule;
    merge = path: definitions: {
      imports =
        staticModules
        ++ map (
          definition: setDefaultModuleLocation "${definition.file}, via option ${showOption path}" definition.value
        ) definitions;
    };
    getSubOptions = (submoduleWith { modules = staticModules; }).getSubOptions;
    getSubModules = staticModules;
    substSubModules = modules: deferredModuleWith (attributes // { staticModules = modules; });
    functor = defaultFunctor "deferredModuleWith" // {
      type = deferredModuleWith;
      payload = { inherit staticModules; };
      binOp = a: b: { staticModules = lib.unique (a.staticModules ++ b.staticModules); };
    };
  };
}
