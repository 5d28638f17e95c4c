# Types of lists and attribute sets.
{ lib }:

let
  inherit (lib.modules) mergeDefinitions;
  inherit (lib.options) mergeOneOption;
  inherit (lib.types) addCheck elementFunctor isNounOrComposite mkOptionType optionDescriptionPhrase;

  # The definitions of each attribute, out of definitions of the whole set.
  byName = definitions:
    lib.zipAttrs (
      map (definition: builtins.mapAttrs (_: value: { inherit (definition) file; inherit value; }) definition.value) definitions
    );

  setOf = name: label: make: mergeEach: elemType: mkOptionType {
    inherit name;
    description = "${label} of ${optionDescriptionPhrase isNounOrComposite elemType}";
    descriptionClass = "composite";
    check = builtins.isAttrs;
    merge = path: definitions: mergeEach path (byName definitions);
    emptyValue.value = { };
    getSubOptions = prefix: elemType.getSubOptions (prefix ++ [ "<name>" ]);
    inherit (elemType) getSubModules;
    substSubModules = modules: make (elemType.substSubModules modules);
    functor = elementFunctor name make elemType;
    nestedTypes = { inherit elemType; };
  };
in
rec {
  attrs = mkOptionType {
    name = "attrs";
    description = "attribute set";
    check = builtins.isAttrs;
    merge = _path: lib.foldl' (sum: definition: sum // definition.value) { };
    emptyValue.value = { };
  };

  listOf = elemType: mkOptionType {
    name = "listOf";
    description = "list of ${optionDescriptionPhrase isNounOrComposite elemType}";
    descriptionClass = "composite";
    check = builtins.isList;
    merge = path: definitions:
      let
        entry = n: file: m: value:
          (mergeDefinitions (path ++ [ "[definition ${toString n}-entry ${toString m}]" ]) elemType [ { inherit file value; } ])
          .optionalValue;
        entries = lib.concatLists (
          lib.imap1 (n: definition: lib.imap1 (entry n definition.file) definition.value) definitions
        );
      in
      map (result: result.value) (builtins.filter (result: result ? value) entries);
    emptyValue.value = [ ];
    getSubOptions = prefix: elemType.getSubOptions (prefix ++ [ "*" ]);
    inherit (elemType) getSubModules;
    substSubModules = modules: listOf (elemType.substSubModules modules);
    functor = elementFunctor "listOf" listOf elemType;
    nestedTypes = { inherit elemType; };
  };

  nonEmptyListOf = elemType:
    addCheck (listOf elemType) (list: list != [ ])
    // {
      description = "non-empty ${optionDescriptionPhrase (class: class == "noun") (listOf elemType)}";
      emptyValue = { };
      substSubModules = modules: nonEmptyListOf (elemType.substSubModules modules);
    };

  # Strict in which attributes exist: an attribute under a false mkIf is absent.
  attrsOf = elemType:
    setOf "attrsOf" "attribute set" attrsOf (
      path: byName:
      lib.mapAttrs (_: result: result.value) (
        lib.filterAttrs (_: result: result ? value) (
          lib.mapAttrs (name: definitions: (mergeDefinitions (path ++ [ name ]) elemType definitions).optionalValue) byName
        )
      )
    ) elemType;

  # Lazy: every attribute that is defined at all exists, and is looked at only when used.
  lazyAttrsOf = elemType:
    setOf "lazyAttrsOf" "lazy attribute set" lazyAttrsOf (
      path: byName:
      lib.mapAttrs (
        name: definitions:
        let
          merged = mergeDefinitions (path ++ [ name ]) elemType definitions;
        in
        merged.optionalValue.value or elemType.emptyValue.value or merged.mergedValue
      ) byName
    ) elemType;

  attrsWith = { elemType, lazy ? false, placeholder ? "name" }:
    let
      base = (if lazy then lazyAttrsOf else attrsOf) elemType;
    in
    base // { getSubOptions = prefix: elemType.getSubOptions (prefix ++ [ "<${placeholder}>" ]); };

  loaOf = elemType:
    attrsOf elemType
    // {
      name = "loaOf";
      deprecationMessage = "It takes attribute sets only, as `types.attrsOf` does.";
    };

  # A set with exactly one attribute, which names the alternative.
  attrTag = tags:
    let
      choices = lib.concatMapStringsSep ", " lib.escapeNixIdentifier (builtins.attrNames tags);
    in
    mkOptionType {
      name = "attrTag";
      description = "attribute-tagged union with choices: ${choices}";
      descriptionClass = "noun";
      check = value: builtins.isAttrs value && builtins.length (builtins.attrNames value) == 1 && tags ? ${builtins.head (builtins.attrNames value)};
      merge = path: definitions:
        let
          chosen = lib.unique (map (definition: builtins.head (builtins.attrNames definition.value)) definitions);
          tag = builtins.head chosen;
        in
        if builtins.length chosen == 1 then
          {
            ${tag} =
              (lib.modules.evalOptionValue (path ++ [ tag ])
                (lib.modules.fixupOptionType path (lib.modules.mergeOptionDecls path [ { _file = "<attrTag>"; pos = null; options = tags.${tag}; } ]))
                (map (definition: { inherit (definition) file; value = definition.value.${tag}; }) definitions)
              ).value;
          }
        else
          mergeOneOption path definitions;
    };
}
