# Types made of other types: alternatives, null, functions, values that must be unique, conversions.
{ lib }:

let
  inherit (lib) types;
  inherit (lib.modules) mergeDefinitions;
  inherit (lib.options) getFiles getValues mergeEqualOption mergeOneOption mergeUniqueOption showFiles showOption;
  inherit (lib.types)
    defaultFunctor elementFunctor isNoun isNounOrComposite mkOptionType optionDescriptionPhrase;
in
rec {
  uniq = unique { message = ""; };

  unique = { message }: type: mkOptionType {
    name = "unique";
    inherit (type) description descriptionClass check emptyValue getSubOptions getSubModules;
    merge = mergeUniqueOption { inherit message; inherit (type) merge; };
    substSubModules = modules: uniq (type.substSubModules modules);
    functor = elementFunctor "unique" (unique { inherit message; }) type;
    nestedTypes.elemType = type;
  };

  nullOr = elemType: mkOptionType {
    name = "nullOr";
    description = "null or ${optionDescriptionPhrase (class: isNoun class || class == "conjunction") elemType}";
    descriptionClass = "conjunction";
    check = value: value == null || elemType.check value;
    merge = path: definitions:
      let
        nulls = lib.count (value: value == null) (getValues definitions);
      in
      if nulls == builtins.length definitions then
        null
      else if nulls != 0 then
        throw "The option `${showOption path}' is defined both null and not null, in ${showFiles (getFiles definitions)}."
      else
        elemType.merge path definitions;
    emptyValue.value = null;
    inherit (elemType) getSubOptions getSubModules;
    substSubModules = modules: nullOr (elemType.substSubModules modules);
    functor = elementFunctor "nullOr" nullOr elemType;
    nestedTypes = { inherit elemType; };
  };

  either = first: second:
    let
      functor = {
        name = "either";
        type = payload: either (builtins.head payload.elemType) (builtins.elemAt payload.elemType 1);
        payload.elemType = [ first second ];
        binOp = a: b:
          let
            merged = lib.zipListsWith (a: b: a.typeMerge b.functor) a.elemType b.elemType;
          in
          if builtins.elem null merged then null else { elemType = merged; };
      };
    in
    mkOptionType {
      name = "either";
      description =
        if first.descriptionClass or null == "nonRestrictiveClause" then
          "${first.description}, or ${optionDescriptionPhrase (class: isNoun class || class == "conjunction") second}"
        else
          "${optionDescriptionPhrase (class: isNoun class || class == "conjunction") first} or ${
            optionDescriptionPhrase (class: isNounOrComposite class || class == "conjunction") second
          }";
      descriptionClass = "conjunction";
      check = value: first.check value || second.check value;
      merge = path: definitions:
        let
          values = getValues definitions;
        in
        if lib.all first.check values then
          first.merge path definitions
        else if lib.all second.check values then
          second.merge path definitions
        else
          mergeOneOption path definitions;
      inherit functor;
      nestedTypes = { left = first; right = second; };
    };

  oneOf = list:
    if list == [ ] then
      throw "types.oneOf needs to get at least one type in its argument"
    else
      lib.foldl' either (builtins.head list) (builtins.tail list);

  coercedTo = coercedType: coerce: finalType:
    let
      coerced = value: if coercedType.check value then coerce value else value;
    in
    assert lib.assertMsg (coercedType.getSubModules == null)
      "coercedTo: coercedType must not have submodules (it’s a ${coercedType.description})";
    mkOptionType {
      name = "coercedTo";
      description = "${optionDescriptionPhrase isNoun finalType} or ${optionDescriptionPhrase isNoun coercedType} convertible to it";
      check = value: (coercedType.check value && finalType.check (coerce value)) || finalType.check value;
      merge = path: definitions:
        finalType.merge path (map (definition: definition // { value = coerced definition.value; }) definitions);
      inherit (finalType) emptyValue getSubOptions getSubModules;
      substSubModules = modules: coercedTo coercedType coerce (finalType.substSubModules modules);
      typeMerge = _: null;
      functor = defaultFunctor "coercedTo";
      nestedTypes = { inherit coercedType finalType; };
    };

  functionTo = elemType: mkOptionType {
    name = "functionTo";
    description = "function that evaluates to a(n) ${optionDescriptionPhrase isNounOrComposite elemType}";
    descriptionClass = "composite";
    check = lib.isFunction;
    merge = path: definitions:
      let
        arguments = lib.foldl' (sum: definition: sum // lib.functionArgs definition.value) { } definitions;
        result = argument:
          (mergeDefinitions (path ++ [ "<function body>" ]) elemType (
            map (definition: { inherit (definition) file; value = definition.value argument; }) definitions
          )).mergedValue;
      in
      lib.setFunctionArgs result arguments;
    getSubOptions = prefix: elemType.getSubOptions (prefix ++ [ "<function body>" ]);
    inherit (elemType) getSubModules;
    substSubModules = modules: functionTo (elemType.substSubModules modules);
    functor = elementFunctor "functionTo" functionTo elemType;
    nestedTypes = { inherit elemType; };
  };

  # Values of serialisation formats.
  serializableValueWith = { typeName, nullable ? true }:
    let
      base = oneOf [
        types.bool
        types.int
        types.float
        types.str
        types.path
        (types.attrsOf value)
        (types.listOf value)
      ];
      value = (if nullable then nullOr base else base) // { description = "${typeName} value"; };
    in
    value;
  json = serializableValueWith { typeName = "JSON"; };
  toml = serializableValueWith { typeName = "TOML"; nullable = false; };

  luaInline = mkOptionType {
    name = "luaInline";
    description = "inline lua";
    descriptionClass = "noun";
    check = value: value._type or null == "lua-inline";
    merge = mergeEqualOption;
  };
}
