# Properties: what mkIf, mkMerge, mkOverride and mkOrder wrap around a definition, and how they are taken off again.
{ lib }:

rec {
  mkIf = condition: content: { _type = "if"; inherit condition content; };
  mkAssert = assertion: message: content: mkIf (if assertion then true else throw "\nFailed assertion: ${message}") content;
  mkMerge = contents: { _type = "merge"; inherit contents; };
  mkDefinition = args: args // { _type = "definition"; };

  # The lowest number wins; those that are not the lowest are dropped.
  mkOverride = priority: content: { _type = "override"; inherit priority content; };
  mkOptionDefault = mkOverride 1500;
  mkDefault = mkOverride 1000;
  mkImageMediaOverride = mkOverride 60;
  mkForce = mkOverride 50;
  mkVMOverride = mkOverride 10;
  defaultOverridePriority = 100;
  defaultPriority = defaultOverridePriority;

  mkOrder = priority: content: { _type = "order"; inherit priority content; };
  mkBefore = mkOrder 500;
  mkAfter = mkOrder 1500;
  defaultOrderPriority = 1000;

  mkFixStrictness = lib.warn "lib.mkFixStrictness has no effect and will be removed" lib.id;

  # One set of definitions with properties on it, as sets that have them on their attributes instead. A condition is
  # not looked at, so that it may depend on the result of the very evaluation.
  pushDownProperties = config:
    let
      wrapEach = wrap: set: if builtins.isAttrs set then builtins.mapAttrs (_: wrap) set else set;
      kind = config._type or "";
    in
    if kind == "merge" then
      lib.concatMap pushDownProperties config.contents
    else if kind == "if" then
      map (wrapEach (mkIf config.condition)) (pushDownProperties config.content)
    else if kind == "override" then
      map (wrapEach (mkOverride config.priority)) (pushDownProperties config.content)
    else
      [ config ];

  # One definition as the list of values that remain once mkMerge is opened and mkIf decided.
  dischargeProperties = definition:
    let
      kind = definition._type or "";
    in
    if kind == "merge" then
      lib.concatMap dischargeProperties definition.contents
    else if kind == "if" then
      if builtins.isBool definition.condition then
        lib.optionals definition.condition (dischargeProperties definition.content)
      else
        throw "‘mkIf’ called with a non-Boolean condition"
    else
      [ definition ];

  # Of definitions ({ file, value }), those of the highest priority, without their mkOverride.
  filterOverrides = definitions: (filterOverrides' definitions).values;
  filterOverrides' = definitions:
    let
      isOverride = definition: definition.value._type or "" == "override";
      priority = definition: if isOverride definition then definition.value.priority else defaultOverridePriority;
      highestPrio = lib.foldl' (lowest: definition: lib.min lowest (priority definition)) 9999 definitions;
      content = definition: if isOverride definition then definition // { value = definition.value.content; } else definition;
    in
    {
      values = map content (builtins.filter (definition: priority definition == highestPrio) definitions);
      inherit highestPrio;
    };

  # Definitions in the order that mkOrder asks for, without their mkOrder.
  sortProperties = definitions:
    let
      opened = map (
        definition:
        if definition.value._type or "" == "order" then
          definition // { value = definition.value.content; inherit (definition.value) priority; }
        else
          definition
      ) definitions;
      priority = definition: definition.priority or defaultOrderPriority;
    in
    builtins.sort (a: b: priority a < priority b) opened;

  # A function over the content of a definition, whatever is wrapped around it.
  mapDefinitionValue = f: value:
    let
      kind = value._type or "";
    in
    if kind == "if" || kind == "override" || kind == "order" then
      value // { content = mapDefinitionValue f value.content; }
    else if kind == "merge" then
      value // { contents = map (mapDefinitionValue f) value.contents; }
    else if kind == "definition" then
      value // { value = mapDefinitionValue f value.value; }
    else
      f value;
}
