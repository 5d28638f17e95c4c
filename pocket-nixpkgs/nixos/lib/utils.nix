# What modules share beyond lib: names of units, paths of shells, options of packages.
{ lib }:

let
  inherit (lib) hasPrefix removePrefix stringToCharacters;
in
rec {
  # A path as systemd writes it in unit names: /dev/a-b becomes dev-a\x2db.
  escapeSystemdPath = path:
    let
      trimmed = lib.removeSuffix "/" (removePrefix "/" path);
      plain = stringToCharacters "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:_.";
      one = index: character:
        if character == "/" then
          "-"
        else if builtins.elem character plain && !(index == 0 && character == ".") then
          character
        else
          lib.escapeC [ character ] character;
    in
    if trimmed == "" then "-" else lib.concatStrings (lib.imap0 one (stringToCharacters trimmed));

  # One argument of ExecStart=, with neither specifiers nor variables in it.
  escapeSystemdExecArg = argument:
    let
      text =
        if builtins.isPath argument then
          "${argument}"
        else if builtins.isString argument then
          argument
        else if builtins.isInt argument || builtins.isFloat argument || lib.isDerivation argument then
          toString argument
        else
          throw "escapeSystemdExecArg only allows strings, paths, numbers and derivations";
    in
    lib.replaceStrings [ "%" "$" ] [ "%%" "$$" ] (builtins.toJSON text);
  escapeSystemdExecArgs = lib.concatMapStringsSep " " escapeSystemdExecArg;

  # The shell of a user, as the path in the running system.
  toShellPath = shell:
    if lib.types.shellPackage.check shell then
      "/run/current-system/sw${shell.shellPath}"
    else if lib.types.package.check shell then
      throw "${shell} is not a shell package"
    else
      shell;

  # File systems that are mounted before stage 2 starts.
  pathsNeededForBoot = [ "/" "/nix" "/nix/store" "/var" "/var/log" "/var/lib" "/var/lib/nixos" "/etc" "/usr" ];
  fsNeededForBoot = fileSystem: fileSystem.neededForBoot || builtins.elem fileSystem.mountPoint pathsNeededForBoot;

  # Whether the first file system has to be mounted before the second.
  fsBefore = a: b:
    let
      normal = path: lib.removeSuffix "/" path + "/";
      isBelow = parent: path: hasPrefix (normal parent) (normal path);
    in
    isBelow a.mountPoint b.device
    || isBelow a.mountPoint b.mountPoint
    || lib.any (dependency: isBelow a.mountPoint dependency) (b.depends or [ ]);

  removePackagesByName = packages: unwanted:
    let
      names = map lib.getName unwanted;
    in
    builtins.filter (package: !(builtins.elem (lib.getName package) names)) packages;
}
