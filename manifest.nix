# What a configuration promises, as plain data: the units that it starts, the ports that it opens. dryboot's checks come
# from it without being told. Units are those of the vm, since they run there; where they come from says the machine.
{
  lib,
  # The evaluation of the machine as it is deployed.
  base,
  # The configuration of its vm.
  vmConfig,
  nixpkgsPath,
}:

let
  inherit (base) config options;
  inherit (vmConfig) systemd;

  # Which option brought a unit, as far as names and places of definition tell.
  unitSource =
    kind: name:
    let
      option = options.systemd.${kind};
      definitions = lib.zipListsWith (file: value: { inherit file value; }) option.files option.definitions;
      files = map (definition: toString definition.file) (
        lib.filter (definition: definition.value ? ${name}) definitions
      );
      own = lib.filter (file: !isNixpkgsFile file) files;
      module = lib.findFirst isEnabled null (candidateModules name);
      enablers = ownFiles (lib.attrByPath (module ++ [ "enable" ]) { files = [ ]; } options);
    in
    if own != [ ] || module == null then
      {
        source = "systemd.${kind}.${name}";
        file = lib.head (own ++ files ++ [ null ]);
        fromConfiguration = own != [ ];
      }
    else
      {
        source = lib.concatStringsSep "." module;
        file = lib.head (enablers ++ files ++ [ null ]);
        fromConfiguration = enablers != [ ];
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

  isEnabled =
    module:
    let
      option = lib.attrByPath (module ++ [ "enable" ]) null options;
    in
    option._type or null == "option" && option.type.name or null == "bool" && option.value == true;

  isNixpkgsFile = lib.hasPrefix (toString nixpkgsPath + "/");
  ownFiles = option: lib.filter (file: !isNixpkgsFile file) (map toString option.files);

  enabled = kind: lib.filterAttrs (_: unit: unit.enable) (systemd.${kind} or { });

  # Names of the services that units of this kind start: their own setting, or the unit of the same name.
  startedBy =
    kind: setting: section:
    lib.mapAttrsToList (name: unit: (unit.${section} or { }).${setting} or "${name}.service") (enabled kind);
  byTimers = startedBy "timers" "Unit" "timerConfig";
  bySockets = startedBy "sockets" "Service" "socketConfig";
  byPaths = startedBy "paths" "Unit" "pathConfig";

  describeUnit =
    kind: suffix: name: unit:
    let
      fullName = "${name}.${suffix}";
      isSet = prefix: lib.any (lib.hasPrefix prefix) (lib.attrNames unit.unitConfig);
      sections = unit.serviceConfig or { };
    in
    {
      name = fullName;
      description = toString (unit.description or "");
      # null: the upstream unit, which the configuration only amends, says it.
      type = if kind == "services" then sections.Type or (if sections ? ExecStart then "simple" else null) else suffix;
      restart = if kind == "services" then toString (sections.Restart or "no") else "no";
      remainAfterExit = lib.elem (sections.RemainAfterExit or false) [ true "yes" "true" "1" 1 ];
      wantedBy = unit.wantedBy or [ ];
      requiredBy = unit.requiredBy or [ ];
      hasConditions = isSet "Condition" || isSet "Assert";
      isTemplate = lib.hasSuffix "@" name;
      startedByTimer = lib.elem fullName byTimers;
      startedBySocket = lib.elem fullName bySockets;
      startedByPath = lib.elem fullName byPaths;
    }
    // unitSource kind name;

  describe = kind: suffix: lib.mapAttrsToList (describeUnit kind suffix) (enabled kind);

  # Firewall ports that the vm has opened for itself alone are not the machine's.
  inherit (config.networking) firewall;
  portRanges = map (range: { inherit (range) from to; });
in
{
  inherit (config.networking) hostName;
  nixosVersion = config.system.nixos.version;
  inherit (systemd) defaultUnit;
  units =
    describe "services" "service"
    ++ describe "sockets" "socket"
    ++ describe "timers" "timer"
    ++ describe "paths" "path";
  firewallEnabled = firewall.enable;
  allowedTCPPorts = lib.unique firewall.allowedTCPPorts;
  allowedUDPPorts = lib.unique firewall.allowedUDPPorts;
  allowedTCPPortRanges = portRanges firewall.allowedTCPPortRanges;
  allowedUDPPortRanges = portRanges firewall.allowedUDPPortRanges;
  overrides = vmConfig.system.build.drybootOverrides;
}
