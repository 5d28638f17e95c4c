# What a type is, and how two declarations of one option agree on theirs.
{ lib }:

let
  inherit (lib) types;
in
rec {
  isType = kind: value: value._type or "" == kind;
  setType = kind: value: value // { _type = kind; };
  isOptionType = isType "option-type";

  # A functor says how a type was made, so that two of the same name can be merged: `type` makes the type from a
  # payload, `binOp` makes one payload of two, or null where they contradict.
  defaultFunctor = name: {
    inherit name;
    type = types.${name} or null;
    payload = null;
    binOp = _a: _b: null;
  };

  defaultTypeMerge = functor: other:
    let
      payload = functor.binOp functor.payload other.payload;
    in
    if functor.name != other.name then
      null
    else if functor.payload == null then
      functor.type
    else if payload == null then
      null
    else
      functor.type payload;

  mkOptionType =
    {
      name,
      description ? null,
      descriptionClass ? null,
      check ? (_: true),
      merge ? lib.options.mergeDefaultOption,
      emptyValue ? { },
      getSubOptions ? (_: { }),
      getSubModules ? null,
      substSubModules ? (_: null),
      typeMerge ? defaultTypeMerge functor,
      functor ? defaultFunctor name,
      deprecationMessage ? null,
      nestedTypes ? { },
    }:
    {
      _type = "option-type";
      inherit
        name descriptionClass check merge emptyValue getSubOptions getSubModules substSubModules typeMerge functor
        deprecationMessage nestedTypes;
      description = if description == null then name else description;
    };

  mergeTypes = a: b:
    let
      merged = a.typeMerge b.functor;
    in
    assert isOptionType a && isOptionType b;
    if merged == null then setType "merge-error" { error = "Cannot merge types"; } else merged;

  optionDescriptionPhrase = standsAlone: type:
    if standsAlone (type.descriptionClass or null) then type.description else "(${type.description})";

  addCheck = type: check: type // { check = value: type.check value && check value; };

  # The functor of types that are made from one other type.
  elementFunctor = name: make: elemType: {
    inherit name;
    payload = { inherit elemType; };
    type = payload: make payload.elemType;
    binOp = a: b:
      let
        merged = a.elemType.typeMerge b.elemType.functor;
      in
      if merged == null then null else { elemType = merged; };
  };

  isNoun = class: class == "noun";
  isNounOrComposite = class: class == "noun" || class == "composite";

  noCheckForDocsModule = {
    config._module.check = lib.mkForce false;
    _file = "<built-in module that disables checks for the purpose of documentation generation>";
  };
}
