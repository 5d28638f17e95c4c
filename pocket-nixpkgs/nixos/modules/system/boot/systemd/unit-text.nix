# The text of unit files.
{ lib, pkgs }:

let
  inherit (lib)
    concatStringsSep
    mapAttrsToList
    optionalAttrs
    optionalString
    ;

  value = given: if given == true then "true" else if given == false then "false" else toString given;

  lines =
    settings:
    lib.concatLists (
      mapAttrsToList (
        name: given: map (one: "${name}=${value one}") (lib.filter (one: one != null) (lib.toList given))
      ) settings
    );

  section = name: settings: extra: concatStringsSep "\n" ([ "[${name}]" ] ++ lines settings ++ extra) + "\n";

  unless = empty: name: given: optionalAttrs (given != empty) { ${name} = given; };

  # Both ways of saying the same thing add up: `after = [ … ]` and `unitConfig.After = …`.
  add = lib.zipAttrsWith (_: values: if lib.length values == 1 then lib.head values else lib.concatMap lib.toList values);

  list = name: given: optionalAttrs (given != [ ]) { ${name} = toString given; };

  unitSection =
    unit: extra:
    section "Unit" (add [
      (unless "" "Description" unit.description)
      (list "Documentation" unit.documentation)
      (list "Requires" unit.requires)
      (list "Wants" unit.wants)
      (list "Upholds" unit.upholds)
      (list "After" unit.after)
      (list "Before" unit.before)
      (list "BindsTo" unit.bindsTo)
      (list "PartOf" unit.partOf)
      (list "Conflicts" unit.conflicts)
      (list "Requisite" unit.requisite)
      (list "OnFailure" unit.onFailure)
      (list "OnSuccess" unit.onSuccess)
      (unless null "StartLimitBurst" unit.startLimitBurst)
      (unless null "StartLimitIntervalSec" unit.startLimitIntervalSec)
      (list "X-Restart-Triggers" unit.restartTriggers)
      (list "X-Reload-Triggers" unit.reloadTriggers)
      extra
      unit.unitConfig
    ]) [ ];

  environmentLines =
    environment:
    mapAttrsToList (name: given: "Environment=${builtins.toJSON "${name}=${toString given}"}") (
      lib.filterAttrs (_: given: given != null) environment
    );

  # One program a script, so that a changed script restarts its own service only; its name is what the journal shows.
  program =
    name: part: text:
    let
      plain = lib.replaceStrings [ "@" "\\" ] [ "-" "-" ] "${name}-${part}";
    in
    "${pkgs.writeShellScriptBin plain ''
      set -e
      ${text}
    ''}/bin/${plain}";

  serviceScripts =
    name: unit:
    let
      script = part: setting: text: optionalAttrs (text != "") { ${setting} = program name part text; };
    in
    add [
      (script "pre-start" "ExecStartPre" unit.preStart)
      (optionalAttrs (unit.script != "") {
        ExecStart = program name "start" unit.script + optionalString (unit.scriptArgs != "") " ${unit.scriptArgs}";
      })
      (script "post-start" "ExecStartPost" unit.postStart)
      (script "reload" "ExecReload" unit.reload)
      (script "pre-stop" "ExecStop" unit.preStop)
      (script "post-stop" "ExecStopPost" unit.postStop)
    ];

  switchHints =
    unit:
    optionalAttrs unit.reloadIfChanged { X-ReloadIfChanged = true; }
    // optionalAttrs (!unit.restartIfChanged && !unit.reloadIfChanged) { X-RestartIfChanged = false; }
    // optionalAttrs (!unit.stopIfChanged) { X-StopIfChanged = false; }
    // optionalAttrs unit.notSocketActivated { X-NotSocketActivated = true; };

  simple = name: settings: unit: unitSection unit { } + "\n" + section name (settings unit) [ ];
in
{
  # The [Unit] section alone makes targets; the others add one section of their own.
  target = _: unit: unitSection unit { };

  service =
    globalEnvironment: name: unit:
    unitSection unit { }
    + "\n"
    + section "Service" (add [
      (serviceScripts name unit)
      (switchHints unit)
      unit.serviceConfig
    ]) (environmentLines (globalEnvironment // unit.environment));

  socket =
    _:
    simple "Socket" (
      unit:
      add [
        (optionalAttrs (unit.listenStreams != [ ]) { ListenStream = unit.listenStreams; })
        (optionalAttrs (unit.listenDatagrams != [ ]) { ListenDatagram = unit.listenDatagrams; })
        unit.socketConfig
      ]
    );

  timer = _: simple "Timer" (unit: unit.timerConfig);
  path = _: simple "Path" (unit: unit.pathConfig);
  slice = _: simple "Slice" (unit: unit.sliceConfig);

  mount =
    _:
    simple "Mount" (
      unit:
      {
        What = unit.what;
        Where = unit.where;
      }
      // unless "" "Type" unit.type
      // unless "" "Options" unit.options
      // unit.mountConfig
    );

  automount = _: simple "Automount" (unit: { Where = unit.where; } // unit.automountConfig);
}
