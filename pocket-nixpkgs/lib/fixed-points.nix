# Sets that refer to themselves, and ways to extend them.
{ lib }:

rec {
  fix = f:
    let
      result = f result;
    in
    result;

  fix' = f:
    let
      result = f result // { __unfix__ = f; };
    in
    result;

  converge = f: value:
    let
      next = f value;
    in
    if next == value then value else converge f next;

  extends = overlay: f: final:
    let
      previous = f final;
    in
    previous // overlay final previous;

  composeExtensions = first: second: final: previous:
    let
      fromFirst = first final previous;
    in
    fromFirst // second final (previous // fromFirst);

  composeManyExtensions = lib.foldr composeExtensions (_final: _previous: { });

  toExtension = value:
    if lib.isFunction value then
      final: previous:
      let
        afterOne = value final;
      in
      if lib.isFunction afterOne then afterOne previous else value previous
    else
      _final: _previous: value;

  makeExtensible = makeExtensibleWithCustomName "extend";

  makeExtensibleWithCustomName = name: f:
    fix' (
      self:
      f self
      // {
        ${name} = overlay: makeExtensibleWithCustomName name (extends overlay f);
      }
    );
}
