# Functions that look at files during evaluation.
{ lib }:

rec {
  inherit (builtins) baseNameOf dirOf hashFile isPath pathExists readDir readFile;
  pathType = path:
    if !builtins.pathExists path then
      throw "lib.filesystem.pathType: Path ${toString path} does not exist."
    else if baseNameOf path == "" then
      "directory"
    else
      (builtins.readDir (dirOf path)).${baseNameOf path};
  readFileType = pathType;
  pathIsDirectory = path: builtins.pathExists path && pathType path == "directory";
  pathIsRegularFile = path: builtins.pathExists path && pathType path == "regular";
  listFilesRecursive = directory:
    lib.flatten (
      lib.mapAttrsToList (
        name: type: if type == "directory" then listFilesRecursive (directory + "/${name}") else directory + "/${name}"
      ) (builtins.readDir directory)
    );
  locateDominatingFile = pattern: start:
    let
      look = directory:
        let
          matches = builtins.filter (found: found != null) (
            map (builtins.match pattern) (builtins.attrNames (builtins.readDir directory))
          );
        in
        if matches != [ ] then
          { path = directory; inherit matches; }
        else if directory == /. then
          null
        else
          look (dirOf directory);
      type = pathType start;
    in
    look (if type == "directory" then start else dirOf start);
}
