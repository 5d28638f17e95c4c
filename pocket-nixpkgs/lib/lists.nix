# Functions about lists.
{ lib }:

let
  inherit (builtins) elemAt genList head length tail;
in
rec {
  inherit (builtins)
    all any concatLists concatMap elem elemAt filter genList groupBy head isList length map partition tail;

  singleton = value: [ value ];
  forEach = list: f: map f list;
  toList = value: if builtins.isList value then value else [ value ];
  optional = condition: value: if condition then [ value ] else [ ];
  optionals = condition: list: if condition then list else [ ];
  range = first: last: if first > last then [ ] else genList (n: first + n) (last - first + 1);
  replicate = count: value: genList (_: value) count;

  # Folds

  foldr = f: start: list:
    let
      size = length list;
      from = index: if index == size then start else f (elemAt list index) (from (index + 1));
    in
    from 0;
  fold = foldr;
  foldl = f: start: list:
    let
      upTo = index: if index == -1 then start else f (upTo (index - 1)) (elemAt list index);
    in
    upTo (length list - 1);
  # The builtin of old Nix leaves the start unevaluated; nixpkgs' does not.
  foldl' = f: start: list: builtins.seq start (builtins.foldl' f start list);
  count = predicate: foldl' (sum: value: if predicate value then sum + 1 else sum) 0;

  # With an index

  imap0 = f: list: genList (index: f index (elemAt list index)) (length list);
  imap1 = f: list: genList (index: f (index + 1) (elemAt list index)) (length list);
  ifilter0 = predicate: list:
    map (index: elemAt list index) (builtins.filter (index: predicate index (elemAt list index)) (genList (n: n) (length list)));

  # Finding

  findFirstIndex = predicate: default: list:
    let
      # A strict fold keeps the stack flat on long lists: -1 - n stands for "not among the first n".
      result = foldl' (
        state: value:
        if state >= 0 then
          state
        else if predicate value then
          -state - 1
        else
          state - 1
      ) (-1) list;
    in
    if result < 0 then default else result;
  findFirst = predicate: default: list:
    let
      index = findFirstIndex predicate null list;
    in
    if index == null then default else elemAt list index;
  findSingle = predicate: none: many: list:
    let
      found = builtins.filter predicate list;
    in
    if found == [ ] then
      none
    else if length found == 1 then
      head found
    else
      many;

  # Parts

  last = list: assert lib.assertMsg (list != [ ]) "lists.last: list must not be empty!"; elemAt list (length list - 1);
  init = list: assert lib.assertMsg (list != [ ]) "lists.init: list must not be empty!"; take (length list - 1) list;
  take = count: sublist 0 count;
  takeEnd = count: list: drop (lib.max 0 (length list - count)) list;
  drop = count: list: sublist count (length list) list;
  dropEnd = count: list: take (lib.max 0 (length list - count)) list;
  sublist = start: count: list:
    let
      size = length list;
      available =
        if start >= size then
          0
        else if start + count > size then
          size - start
        else
          count;
    in
    genList (n: elemAt list (n + start)) available;

  hasPrefix = prefix: list: take (length prefix) list == prefix;
  removePrefix = prefix: list:
    if hasPrefix prefix list then
      drop (length prefix) list
    else
      throw "lists.removePrefix: the list does not begin with the given prefix";
  commonPrefix = a: b:
    let
      shared = lib.min (length a) (length b);
      differing = findFirstIndex (index: elemAt a index != elemAt b index) shared (genList (n: n) shared);
    in
    take differing a;

  # Changing

  reverseList = list:
    let
      size = length list;
    in
    genList (n: elemAt list (size - n - 1)) size;
  replaceElemAt = list: index: value:
    if index >= 0 && index < length list then
      genList (n: if n == index then value else elemAt list n) (length list)
    else
      throw "lists.replaceElemAt: index ${toString index} is outside a list of ${toString (length list)}";
  flatten = value: if builtins.isList value then concatMap flatten value else [ value ];
  remove = value: builtins.filter (other: other != value);
  unique = foldl' (seen: value: if builtins.elem value seen then seen else seen ++ [ value ]) [ ];
  uniqueStrings = list: builtins.attrNames (builtins.groupBy lib.id list);
  allUnique = list: length (unique list) == length list;
  intersectLists = wanted: builtins.filter (value: builtins.elem value wanted);
  subtractLists = unwanted: builtins.filter (value: !(builtins.elem value unwanted));
  mutuallyExclusive = a: b: length a == 0 || !(builtins.any (value: builtins.elem value a) b);

  zipListsWith = f: a: b: genList (n: f (elemAt a n) (elemAt b n)) (lib.min (length a) (length b));
  zipLists = zipListsWith (fst: snd: { inherit fst snd; });
  crossLists = f: lists: foldl (partial: list: concatMap (f': map f' list) partial) [ f ] lists;
  concatAttrValues = set: concatLists (builtins.attrValues set);
  groupBy' = f: start: key: list: builtins.mapAttrs (_: foldl' f start) (builtins.groupBy key list);

  # Order

  sort = builtins.sort;
  sortOn = key: list:
    map (pair: elemAt pair 1) (builtins.sort (a: b: head a < head b) (map (value: [ (key value) value ]) list));
  compareLists = compare: a: b:
    if a == [ ] then
      (if b == [ ] then 0 else -1)
    else if b == [ ] then
      1
    else
      let
        first = compare (head a) (head b);
      in
      if first == 0 then compareLists compare (tail a) (tail b) else first;
  naturalSort = list:
    let
      parts = text: map (part: if builtins.isList part then lib.toIntBase10 (head part) else part) (builtins.split "(0|[1-9][0-9]*)" text);
      prepared = map (text: [ (parts text) text ]) list;
      less = a: b: compareLists lib.compare (head a) (head b) < 0;
    in
    map (pair: elemAt pair 1) (builtins.sort less prepared);

  # Graphs

  listDfs = stopOnCycles: before: list:
    let
      visit = current: visited: rest:
        let
          split = builtins.partition (other: before other current) rest;
          loops = builtins.filter (seen: before seen current) visited;
        in
        if stopOnCycles && loops != [ ] then
          { cycle = current; inherit loops visited rest; }
        else if split.right == [ ] then
          { minimal = current; inherit visited rest; }
        else
          visit (head split.right) ([ current ] ++ visited) (tail split.right ++ split.wrong);
    in
    visit (head list) [ ] (tail list);

  toposort = before: list:
    let
      first = listDfs true before list;
      rest = toposort before (first.visited ++ first.rest);
    in
    if length list < 2 then
      { result = list; }
    else if first ? cycle then
      {
        cycle = reverseList ([ first.cycle ] ++ first.visited);
        inherit (first) loops;
      }
    else if rest ? cycle then
      rest
    else
      { result = [ first.minimal ] ++ rest.result; };
}
