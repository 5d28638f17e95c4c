# Functions about attribute sets.
{ lib }:

let
  inherit (builtins) attrNames listToAttrs mapAttrs;
in
rec {
  inherit (builtins)
    attrNames attrValues catAttrs getAttr hasAttr intersectAttrs isAttrs listToAttrs mapAttrs removeAttrs;

  nameValuePair = name: value: { inherit name value; };

  # Paths

  attrByPath = path: default: set:
    if path == [ ] then
      set
    else if builtins.isAttrs set && set ? ${builtins.head path} then
      attrByPath (builtins.tail path) default set.${builtins.head path}
    else
      default;

  hasAttrByPath = path: set:
    path == [ ]
    || (builtins.isAttrs set && set ? ${builtins.head path} && hasAttrByPath (builtins.tail path) set.${builtins.head path});

  longestValidPathPrefix = path: set:
    let
      lengths = lib.range 0 (builtins.length path);
      valid = builtins.filter (length: hasAttrByPath (lib.take length path) set) lengths;
    in
    lib.take (lib.last valid) path;

  setAttrByPath = path: value: lib.foldr (name: inner: { ${name} = inner; }) value path;

  getAttrFromPath = path: set:
    attrByPath path (abort ("cannot find attribute '" + showAttrPath path + "'")) set;

  showAttrPath = path:
    if path == [ ] then "<root attribute path>" else lib.concatMapStringsSep "." lib.escapeNixIdentifier path;

  updateManyAttrsByPath =
    let
      # One level at a time: the updates that end here run in order, the others are passed to their attribute.
      apply = hasValue: value: updates:
        let
          ending = lib.partition (update: update.path == [ ]) updates;
          byName = lib.groupBy (update: builtins.head update.path) ending.wrong;
          deeper = mapAttrs (
            name: group:
            apply (hasValue && value ? ${name}) (value.${name} or null) (
              map (update: update // { path = builtins.tail update.path; }) group
            )
          ) byName;
          withChildren =
            if ending.wrong == [ ] then
              value
            else if !hasValue then
              deeper
            else if builtins.isAttrs value then
              value // deeper
            else
              throw "updateManyAttrsByPath: a path goes through a value that is not an attribute set";
          present = hasValue || ending.wrong != [ ];
          start = if present then withChildren else throw "updateManyAttrsByPath: no attribute at a path that an update reads";
        in
        builtins.foldl' (current: update: update.update current) start ending.right;
    in
    updates: value: apply true value updates;

  # Selecting

  attrVals = names: set: map (name: set.${name}) names;
  getAttrs = names: set: lib.genAttrs names (name: set.${name});
  filterAttrs = predicate: set: removeAttrs set (builtins.filter (name: !predicate name set.${name}) (attrNames set));
  filterAttrsRecursive = predicate: set:
    mapAttrs (_: value: if builtins.isAttrs value then filterAttrsRecursive predicate value else value) (
      filterAttrs predicate set
    );
  optionalAttrs = condition: set: if condition then set else { };

  collect = predicate: value:
    if predicate value then
      [ value ]
    else if builtins.isAttrs value then
      lib.concatMap (collect predicate) (builtins.attrValues value)
    else
      [ ];

  matchAttrs = pattern: set:
    assert builtins.isAttrs pattern;
    lib.all (
      name:
      set ? ${name}
      && (
        if builtins.isAttrs pattern.${name} then
          builtins.isAttrs set.${name} && matchAttrs pattern.${name} set.${name}
        else
          pattern.${name} == set.${name}
      )
    ) (attrNames pattern);

  # Mapping

  mapAttrs' = f: set: listToAttrs (map (name: f name set.${name}) (attrNames set));
  mapAttrsToList = f: set: map (name: f name set.${name}) (attrNames set);
  attrsToList = mapAttrsToList nameValuePair;
  concatMapAttrs = f: set: mergeAttrsList (mapAttrsToList f set);
  genAttrs = names: f: listToAttrs (map (name: nameValuePair name (f name)) names);
  genAttrs' = values: f: listToAttrs (map f values);

  mapAttrsRecursive = mapAttrsRecursiveCond (_: true);
  mapAttrsRecursiveCond = condition: f:
    let
      recurse = path:
        mapAttrs (
          name: value:
          if builtins.isAttrs value && condition value then recurse (path ++ [ name ]) value else f (path ++ [ name ]) value
        );
    in
    recurse [ ];
  mapAttrsToListRecursive = mapAttrsToListRecursiveCond (_: _: true);
  mapAttrsToListRecursiveCond = condition: f: set:
    let
      recurse = path: value:
        if builtins.isAttrs value && condition path value then
          lib.concatLists (mapAttrsToList (name: recurse (path ++ [ name ])) value)
        else
          [ (f path value) ];
    in
    recurse [ ] set;

  foldlAttrs = f: start: set: builtins.foldl' (sum: name: f sum name set.${name}) start (attrNames set);
  foldAttrs = f: start: sets:
    lib.foldr (
      set: sum: lib.foldr (name: inner: inner // { ${name} = f set.${name} (sum.${name} or start); }) sum (attrNames set)
    ) { } sets;

  # Combining

  recursiveUpdateUntil = stop: left: right:
    let
      merge = path:
        zipAttrsWith (
          name: values:
          let
            here = path ++ [ name ];
          in
          if builtins.length values == 1 || stop here (builtins.elemAt values 1) (builtins.head values) then
            builtins.head values
          else
            merge here values
        );
    in
    merge [ ] [ right left ];
  recursiveUpdate = recursiveUpdateUntil (_: left: right: !(builtins.isAttrs left && builtins.isAttrs right));

  mergeAttrsList =
    let
      # Halving keeps the cost of the copies at n log n.
      merge = list: from: to:
        if to - from == 1 then
          builtins.elemAt list from
        else
          let
            middle = from + (to - from) / 2;
          in
          merge list from middle // merge list middle to;
    in
    list: if list == [ ] then { } else merge list 0 (builtins.length list);

  overrideExisting = old: new: mapAttrs (name: value: new.${name} or value) old;

  unionOfDisjoint = a: b:
    let
      shared = attrNames (builtins.intersectAttrs a b);
    in
    a // b // lib.genAttrs shared (name: throw "unionOfDisjoint: collision on ${lib.concatStringsSep " " shared}");

  zipAttrsWithNames = names: f: sets: lib.genAttrs names (name: f name (builtins.catAttrs name sets));
  zipAttrsWith = builtins.zipAttrsWith;
  zipAttrs = zipAttrsWith (_: values: values);

  cartesianProduct = sets:
    lib.foldlAttrs (
      products: name: values: lib.concatMap (product: map (value: product // { ${name} = value; }) values) products
    ) [ { } ] sets;
  cartesianProductOfSets = cartesianProduct;
  mapCartesianProduct = f: sets: map f (cartesianProduct sets);

  # Derivations

  isDerivation = value: value.type or null == "derivation";

  toDerivation = path:
    let
      # Sources in the store keep their context: without it a garbage collection could take them.
      storePath = builtins.storePath path;
      result = {
        type = "derivation";
        name = lib.sanitizeDerivationName (builtins.substring 33 (-1) (baseNameOf storePath));
        outPath = storePath;
        outputs = [ "out" ];
        out = result;
        outputName = "out";
      };
    in
    result;

  getFirstOutput = candidates: package:
    let
      present = builtins.filter (output: package ? ${output}) candidates;
    in
    if !(package ? outputSpecified) || !package.outputSpecified then
      (if present == [ ] then package.out or package else package.${builtins.head present})
    else
      package;
  getOutput = output: getFirstOutput [ output ];
  getBin = getOutput "bin";
  getLib = getFirstOutput [ "lib" "out" ];
  getStatic = getFirstOutput [ "static" "lib" "out" ];
  getDev = getOutput "dev";
  getInclude = getFirstOutput [ "include" "dev" "out" ];
  getMan = getOutput "man";
  chooseDevOutputs = map getDev;

  recurseIntoAttrs = set: set // { recurseForDerivations = true; };
  dontRecurseIntoAttrs = set: set // { recurseForDerivations = false; };
}
