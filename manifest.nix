# What a configuration promises, as plain data: the units that it starts, the ports that it opens, and all that
# `declarations.nix` reads. dryboot's checks come from it without being told. What runs is the vm, so expectations are the
# vm's; where they come from says the machine.
{
  lib,
  # The evaluation of the machine as it is deployed.
  base,
  # The configuration of its vm.
  vmConfig,
  nixpkgsPath,
  # An argument because a flake's pure evaluation may not read files.
  declarations ? import ./declarations.nix,
}:

let
  inherit (base) config options;
  inherit (vmConfig) systemd;

  # Plain text: naming a path must not ask for it to be built.
  text = value: builtins.unsafeDiscardStringContext "${value}";

  isNixpkgsFile = lib.hasPrefix (toString nixpkgsPath + "/");
  optionAt = path: lib.attrByPath path { files = [ ]; definitions = [ ]; } options;
  optionName = lib.concatMapStringsSep "." (
    word: if builtins.match "[A-Za-z_][A-Za-z0-9_'-]*" word != null then word else builtins.toJSON word
  );

  # Where an option was given a definition that `concerns` accepts; the machine's own files go first.
  definedWhere =
    path: concerns:
    let
      option = optionAt path;
      definitions = lib.zipListsWith (file: value: { inherit file value; }) option.files option.definitions;
      files = map (definition: toString definition.file) (lib.filter (definition: concerns definition.value) definitions);
      own = lib.filter (file: !isNixpkgsFile file) files;
    in
    {
      file = lib.head (own ++ files ++ [ null ]);
      fromConfiguration = own != [ ];
    };

  # Of one attribute of an option that is a set, and of one element of an option that is a list.
  attributeSource =
    path: name: { source = optionName (path ++ [ name ]); } // definedWhere path (value: value ? ${name});
  elementSource =
    path: element: { source = optionName path; } // definedWhere path (
      # Some lists may be given as sets of switches.
      value: if lib.isList value then lib.elem element value else lib.isString element && value.${element} or false == true
    );

  # Which option brought a unit, as far as names and places of definition tell.
  unitSource =
    kind: name:
    let
      direct = attributeSource [ "systemd" kind ] name;
      module = lib.findFirst isEnabled null (candidateModules name);
      enabler = definedWhere (module ++ [ "enable" ]) (_: true);
    in
    if direct.fromConfiguration || module == null then
      direct
    else
      {
        source = optionName module;
        file = if enabler.fromConfiguration then enabler.file else direct.file;
        inherit (enabler) fromConfiguration;
      };

  # postgresql-setup comes from services.postgresql, openvpn-home from services.openvpn, firewall from networking.firewall.
  candidateModules =
    name:
    let
      words = lib.splitString "-" (lib.head (lib.splitString "@" name));
      beginnings = map (length: lib.concatStringsSep "-" (lib.take length words)) (
        lib.reverseList (lib.range 1 (lib.length words))
      );
      # `services.sshd` is an alias.
      named = lib.optional (lib.head words == "sshd") "openssh" ++ beginnings;
    in
    lib.concatMap (word: map (group: [ group word ]) [ "services" "networking" "security" "virtualisation" "programs" ]) named;

  # An option that was renamed is invisible, and to ask for its value is to be warned.
  isEnabled =
    module:
    let
      option = lib.attrByPath (module ++ [ "enable" ]) null options;
      isSwitch = option._type or null == "option" && option.type.name or null == "bool";
    in
    isSwitch && option.visible or true != false && option.value == true;

  enabled = kind: lib.filterAttrs (_: unit: unit.enable) (systemd.${kind} or { });

  # Names of the services that units of this kind start: their own setting, or the unit of the same name.
  startedBy =
    kind: setting: section:
    lib.mapAttrsToList (name: unit: (unit.${section} or { }).${setting} or "${name}.service") (enabled kind);
  byTimers = startedBy "timers" "Unit" "timerConfig";
  bySockets = startedBy "sockets" "Service" "socketConfig";
  byPaths = startedBy "paths" "Unit" "pathConfig";

  # Where a unit of `systemd.mounts` or `systemd.automounts` was declared; they are lists.
  mountSource =
    kind: where:
    { source = optionName [ "systemd" kind ]; } // definedWhere [ "systemd" kind ] (
      value: lib.any (mount: mount.where or null == where) (lib.toList value)
    );

  # As systemd names a unit after a path.
  escapePath =
    path:
    let
      words = lib.filter (word: word != "") (lib.splitString "/" path);
      escaped = map (builtins.replaceStrings [ "-" " " ] [ "\\x2d" "\\x20" ]) words;
    in
    if words == [ ] then "-" else lib.concatStringsSep "-" escaped;

  named =
    kind: suffix:
    lib.mapAttrsToList (name: unit: {
      inherit name unit;
      fullName = "${name}.${suffix}";
      source = unitSource kind name;
    }) (enabled kind);

  mounted =
    kind: suffix:
    map (unit: rec {
      name = escapePath unit.where;
      fullName = "${name}.${suffix}";
      inherit unit;
      source = mountSource kind unit.where;
      devices = lib.optional (lib.hasPrefix "/dev/" (unit.what or "")) "${escapePath unit.what}.device";
    }) (lib.filter (unit: unit.enable or true) (systemd.${kind} or [ ]));

  # All units that the configuration gives settings of.
  declared =
    named "services" "service"
    ++ named "sockets" "socket"
    ++ named "timers" "timer"
    ++ named "paths" "path"
    ++ named "targets" "target"
    ++ mounted "mounts" "mount"
    ++ mounted "automounts" "automount";

  byFullName = units: lib.listToAttrs (map (each: { name = each.fullName; value = each; }) units);
  declaredByName = byFullName declared;

  # Instances of declared templates that other units ask for by name alone.
  instances = lib.concatMap (
    fullName:
    let
      parts = builtins.match "([^@]+@)(.+)([.][a-z]+)" fullName;
      template = declaredByName.${lib.head parts + lib.last parts} or null;
    in
    # One that is declared and not in `declared` is switched off.
    lib.optional (parts != null && template != null && !(declaredByName ? ${fullName} || systemd.units ? ${fullName})) (
      template
      // {
        inherit fullName;
        name = lib.removeSuffix (lib.last parts) fullName;
        unit = template.unit // { wantedBy = [ ]; requiredBy = [ ]; upheldBy = [ ]; };
      }
    )
  ) (lib.unique (lib.attrNames wanted ++ lib.attrNames required));

  allUnits = declared ++ instances;
  byName = byFullName allUnits;

  # What a unit's section [Unit] names: by the option of its own, or by the setting itself.
  namesIn =
    option: setting: unit:
    unit.${option} or [ ]
    ++ lib.filter (word: word != "") (lib.splitString " " (toString (unit.unitConfig.${setting} or [ ])));

  # By the name of a unit: those whose own settings ask for it.
  askedFor =
    names:
    builtins.mapAttrs (_: lib.catAttrs "by") (
      builtins.groupBy (edge: edge.name) (
        lib.concatMap (
          { fullName, unit, ... }: map (name: { inherit name; by = fullName; }) (lib.unique (names unit))
        ) declared
      )
    );
  wanted = askedFor (unit: namesIn "wants" "Wants" unit ++ namesIn "upholds" "Upholds" unit);
  required = askedFor (namesIn "requires" "Requires");

  # The devices that a unit cannot run without, its own and those of units that it cannot run without.
  devicesOf =
    fullName:
    lib.filter (lib.hasSuffix ".device") (
      map (item: item.key) (
        builtins.genericClosure {
          startSet = [ { key = fullName; } ];
          operator = { key }: map (name: { key = name; }) (needsOf key);
        }
      )
    );
  needsOf =
    fullName:
    let
      each = byName.${fullName} or null;
      instance = builtins.match "[^@]+@(.+)[.][a-z]+" fullName;
      filled = if instance == null then lib.id else builtins.replaceStrings [ "%i" ] instance;
      inherit (each) unit;
      names =
        namesIn "bindsTo" "BindsTo" unit
        ++ namesIn "requires" "Requires" unit
        ++ namesIn "requisite" "Requisite" unit;
    in
    if each == null then
      [ ]
    else
      # Other specifiers only systemd can fill in.
      each.devices or [ ] ++ lib.filter (name: builtins.match ".*%.*" name == null) (map filled names);

  describe =
    { name, fullName, unit, source, ... }:
    let
      suffix = lib.last (lib.splitString "." fullName);
      isSet = prefix: lib.any (lib.hasPrefix prefix) (lib.attrNames unit.unitConfig);
      sections = unit.serviceConfig or { };
    in
    {
      name = fullName;
      description = toString (unit.description or "");
      # null: the upstream unit, which the configuration only amends, says it.
      type = if suffix == "service" then sections.Type or (if sections ? ExecStart then "simple" else null) else suffix;
      restart = if suffix == "service" then toString (sections.Restart or "no") else "no";
      remainAfterExit = lib.elem (sections.RemainAfterExit or false) [ true "yes" "true" "1" 1 ];
      wantedBy = lib.unique (unit.wantedBy or [ ] ++ unit.upheldBy or [ ] ++ wanted.${fullName} or [ ]);
      requiredBy = lib.unique (unit.requiredBy or [ ] ++ required.${fullName} or [ ]);
      devices = devicesOf fullName;
      hasConditions = isSet "Condition" || isSet "Assert";
      isTemplate = lib.hasSuffix "@" name;
      startedByTimer = lib.elem fullName byTimers;
      startedBySocket = lib.elem fullName bySockets;
      startedByPath = lib.elem fullName byPaths;
      # What a socket unit listens on.
      listens =
        let
          of = setting: values: map (address: { inherit address; protocol = setting; }) (map toString values);
          inSection = setting: lib.toList ((unit.socketConfig or { }).${setting} or [ ]);
        in
        of "tcp" (unit.listenStreams or [ ] ++ inSection "ListenStream")
        ++ of "udp" (unit.listenDatagrams or [ ] ++ inSection "ListenDatagram");
    }
    // source;

  # Firewall ports that the vm has opened for itself alone are not the machine's.
  inherit (config.networking) firewall;
  openPorts =
    let
      portsIn =
        path: protocol:
        let
          at = kind: path ++ [ "allowed${lib.toUpper protocol}${kind}" ];
          values = kind: lib.unique (lib.attrByPath (at kind) [ ] config);
        in
        map (port: { inherit protocol; from = port; to = port; } // elementSource (at "Ports") port) (values "Ports")
        ++ map (range: { inherit protocol; inherit (range) from to; } // elementSource (at "PortRanges") range) (values "PortRanges");
      # `default` is all of them, in old versions.
      interfaces = lib.remove "default" (lib.attrNames firewall.interfaces or { });
      places = [ [ ] ] ++ map (name: [ "interfaces" name ]) interfaces;
    in
    lib.concatMap (
      place: lib.concatMap (portsIn ([ "networking" "firewall" ] ++ place)) [ "tcp" "udp" ]
    ) places;

  # Ports that enabled services are told to use, whether or not the firewall opens them.
  servicePorts =
    let
      settings = [ "port" "ports" "listenPort" "listenPorts" "httpPort" "httpsPort" ];
      isPort = value: lib.isInt value && value > 0;
      ofSetting =
        path:
        let
          option = lib.attrByPath path null options;
          found = builtins.tryEval (
            if option._type or null == "option" && option.visible or true != false then
              lib.filter isPort (lib.toList option.value)
            else
              [ ]
          );
        in
        map (port: { inherit port; source = optionName path; }) (if found.success then found.value else [ ]);
      usesPorts = name: lib.any (setting: (options.services.${name}.${setting} or { })._type or null == "option") settings;
      isRunning =
        name:
        let
          tried = builtins.tryEval (isEnabled [ "services" name ]);
        in
        tried.success && tried.value;
    in
    lib.concatMap (name: lib.concatMap (setting: ofSetting [ "services" name setting ]) settings) (
      lib.filter isRunning (lib.filter usesPorts (lib.attrNames options.services or { }))
    );
in
{
  inherit (config.networking) hostName;
  nixosVersion = config.system.nixos.version;
  inherit (systemd) defaultUnit;
  units = map describe allUnits;
  firewallEnabled = firewall.enable;
  inherit openPorts servicePorts;
  overrides = vmConfig.system.build.drybootOverrides;
}
// declarations {
  inherit
    lib
    config
    vmConfig
    text
    optionName
    attributeSource
    elementSource
    ;
}
