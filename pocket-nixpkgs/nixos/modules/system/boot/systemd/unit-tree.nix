# A directory of units as systemd reads it: packaged units, ours or what ours amend, and who starts whom.
{ lib, pkgs }:

let
  inherit (lib) escapeShellArg;

  delimiter = "END_OF_UNIT_TEXT";

  writeUnit =
    name: unit:
    if !unit.enable then
      ''
        rm -rf ${escapeShellArg "${name}.d"}
        ln -sf /dev/null ${escapeShellArg name}
      ''
    else
      ''
        target=$(place ${escapeShellArg name} ${unit.overrideStrategy})
        cat > "$target" <<'${delimiter}'
        ${unit.text}
        ${delimiter}
      '';

  startedBy =
    kind: select: units:
    lib.concatStrings (
      lib.mapAttrsToList (
        name: unit:
        lib.optionalString unit.enable (
          lib.concatMapStrings (by: "start ${escapeShellArg "${by}.${kind}"} ${escapeShellArg name}\n") (select unit)
        )
      ) units
    );
in
{
  name,
  # Directories of packaged units whose files are taken as they are.
  packages ? [ ],
  packageFolder ? "system",
  suppressed ? [ ],
  # Names that lead to another unit: default.target, for one.
  links ? { },
  # name -> { enable, overrideStrategy, text, wantedBy, requiredBy, upheldBy, aliases }
  units,
}:

pkgs.runCommand name { preferLocalBuild = true; } ''
  mkdir $out
  cd $out

  take() {
    [ -d "$1" ] || return 0
    cp -rPn --no-preserve=ownership "$1/." .
    chmod -R u+w .
  }

  # A unit that a package brings already is amended, not replaced.
  place() {
    if [ "$2" = asDropin ] || [ -e "$1" ]; then
      mkdir -p "$1.d"
      echo "$1.d/overrides.conf"
    else
      echo "$1"
    fi
  }

  start() {
    mkdir -p "$1"
    ln -sfn "../$2" "$1/$2"
  }

  ${lib.concatMapStrings (package: ''
    take ${package}/etc/systemd/${packageFolder}
    take ${package}/lib/systemd/${packageFolder}
  '') packages}
  ${lib.concatMapStrings (unit: "rm -rf ${escapeShellArg unit} ./*.wants/${escapeShellArg unit}\n") suppressed}
  ${lib.concatStrings (lib.mapAttrsToList writeUnit units)}
  ${lib.concatStrings (lib.mapAttrsToList (link: unit: "ln -sfn ${escapeShellArg unit} ${link}\n") links)}
  ${startedBy "wants" (unit: unit.wantedBy) units}
  ${startedBy "requires" (unit: unit.requiredBy) units}
  ${startedBy "upholds" (unit: unit.upheldBy) units}
  ${lib.concatStrings (
    lib.mapAttrsToList (
      name: unit: lib.concatMapStrings (alias: "ln -sfn ${escapeShellArg name} ${escapeShellArg alias}\n") unit.aliases
    ) units
  )}
''
