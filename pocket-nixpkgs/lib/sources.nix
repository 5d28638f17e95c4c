# Filtered sources.
{ lib }:

rec {
  cleanSourceFilter = name: type:
    let
      base = baseNameOf (toString name);
    in
    !(
      builtins.elem base [ ".git" ".svn" "CVS" ".hg" ".jj" ".pijul" "_darcs" ]
      || lib.hasSuffix "~" base
      || builtins.match "^\\.sw[a-z]$" base != null
      || builtins.match "^\\..*\\.sw[a-z]$" base != null
      || lib.hasSuffix ".o" base
      || lib.hasSuffix ".so" base
      || (type == "symlink" && lib.hasPrefix "result" base)
      || type == "unknown"
    );

  cleanSource = src: cleanSourceWith { filter = cleanSourceFilter; inherit src; };

  cleanSourceWith = { filter ? _path: _type: true, src, name ? null }:
    let
      isFiltered = src ? _isLibCleanSourceWith;
      origin = if isFiltered then src.origSrc else src;
      both = if isFiltered then path: type: filter path type && src.filter path type else filter;
      chosenName = if name != null then name else if isFiltered then src.name else "source";
    in
    {
      origSrc = origin;
      filter = both;
      name = chosenName;
      outPath = builtins.path { filter = both; path = origin; name = chosenName; };
      _isLibCleanSourceWith = true;
    };

  sourceByRegex = src: patterns:
    let
      origin = if src ? _isLibCleanSourceWith then src.origSrc else src;
    in
    cleanSourceWith {
      filter = path: _type:
        let
          relative = lib.removePrefix (toString origin + "/") (toString path);
        in
        lib.any (pattern: builtins.match pattern relative != null) patterns;
      inherit src;
    };

  sourceFilesBySuffices = src: suffixes:
    cleanSourceWith {
      filter = name: type: type == "directory" || lib.any (suffix: lib.hasSuffix suffix (baseNameOf name)) suffixes;
      inherit src;
    };

  inherit (builtins) filterSource;
  pathIsGitRepo = path: builtins.pathExists (path + "/.git");
  canCleanSource = src: src ? _isLibCleanSourceWith || !(pathHasContext (toString src));
  pathHasContext = builtins.hasContext;
}
