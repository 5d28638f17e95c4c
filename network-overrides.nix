# Rows for vm.nix's table: the guest has one card, eth0, in QEMU's network, which gives addresses by DHCP alone; and the
# cards that the machine's configuration names are not there.
{
  lib,
  # The machine as it is deployed.
  config,
}:

let
  net = config.networking;
  interfaces = net.interfaces or { };
  eth0 = interfaces.eth0 or { };

  networkd = config.systemd.network.enable or false || net.useNetworkd or false;
  managed = net.networkmanager.enable or false || config.services.connman.enable or false;
  scripted = !(net.useNetworkd or false) && !managed;

  # As dhcpcd's module decides it.
  usesDhcp =
    if eth0.useDHCP or null != null then
      eth0.useDHCP
    else
      net.useDHCP or true && eth0.ipv4.addresses or [ ] == [ ];
  hasAddress = scripted && usesDhcp && net.dhcpcd.enable or true;

  # What an interface is made of, where the configuration makes it.
  madeOf =
    let
      of = parts: lib.mapAttrs (_: interface: lib.filter (part: part != null) (parts interface));
      ports = interface: if lib.isList interface.interfaces then interface.interfaces else lib.attrNames interface.interfaces;
    in
    of ports (net.bridges or { })
    // of ports (net.bonds or { })
    // of ports (net.vswitches or { })
    // of (interface: [ interface.interface ]) (net.vlans or { } // net.macvlans or { })
    // of (interface: [ interface.dev ]) (net.sits or { })
    // of (_: [ ]) (lib.filterAttrs (_: interface: interface.virtual or false) interfaces);

  # Named as udev names a card by its place, or made of such a one.
  isAbsent =
    name:
    if madeOf ? ${name} then
      lib.any isAbsent madeOf.${name}
    else
      builtins.match "(en|wl|ww|ib).*" name != null;

  absent = lib.filter (interface: isAbsent interface.name) (
    lib.mapAttrsToList (name: interface: { name = interface.name or name; inherit interface; }) interfaces
  );
  addressesOf =
    family: interface: map (each: { inherit (each) address prefixLength; }) (interface.${family}.addresses or [ ]);
  moved = family: lib.concatMap (each: addressesOf family each.interface) absent;

  moveAddresses = family: {
    option = [ "networking.interfaces" ];
    certain = true;
    within = [ "eth0" family "addresses" ];
    value = addressesOf family eth0 ++ moved family;
    when = scripted && moved family != [ ];
    reason = "the machine's own interfaces are not there, and its services listen on their addresses";
    explains = [ "network:interface eth0" "units:network-addresses-eth0\\.service" ];
  };

  moveGateway =
    name:
    let
      gateway = net.${name} or null;
      isAway = gateway != null && gateway.interface or null != null && isAbsent gateway.interface;
    in
    {
      option = [ "networking.${name}" ];
      certain = true;
      value = removeAttrs gateway [ "_module" ] // { interface = "eth0"; };
      when = scripted && isAway;
      reason = "the interface that leads to it is not there";
      explains = [ "units:network-(setup|addresses-.*)\\.service" ];
    };

  devicePrefix = "sys-subsystem-net-devices-";
  isDevice = lib.hasSuffix ".device";
  interfaceOf = device: builtins.replaceStrings [ "\\x2d" ] [ "-" ] (lib.removeSuffix ".device" (lib.removePrefix devicePrefix device));

  reachable = "QEMU's network gives the guest its address, and without one nobody could reach its ports";

  # Devices that the boot would wait for in vain.
  awaited = lib.filter (device: lib.hasPrefix devicePrefix device && isAbsent (interfaceOf device)) (
    lib.unique (
      lib.concatMap (
        unit: lib.filter isDevice (unit.bindsTo or [ ] ++ unit.requires or [ ] ++ unit.wants or [ ])
      ) (
        lib.filter (
          unit: (unit.enable or true) && lib.any (by: !isDevice by) (unit.wantedBy or [ ] ++ unit.requiredBy or [ ])
        ) (lib.attrValues config.systemd.services)
      )
    )
  );
in
[
  {
    option = [ "networking.interfaces" ];
    certain = true;
    within = [ "eth0" "useDHCP" ];
    value = true;
    when = scripted && !networkd && (!hasAddress || moved "ipv4" != [ ]);
    reason = reachable;
    explains = [ "network:interface eth0" "units:(network-addresses-eth0|dhcpcd.*)\\.service" ];
  }
  {
    option = [ "networking.dhcpcd.enable" ];
    certain = true;
    value = true;
    when = scripted && !networkd && !(net.dhcpcd.enable or true);
    reason = reachable;
    explains = [ "units:dhcpcd.*" "users:dhcpcd" "etc:(dhcpcd.*|systemd/.*)" "packages:dhcpcd.*" ];
  }
  {
    option = [ "systemd.network.networks" ];
    within = [ "00-eth0" ];
    value = {
      matchConfig.Name = "eth0";
      networkConfig.DHCP = "yes";
    };
    when = networkd && !managed && !hasAddress;
    reason = reachable;
    explains = [ "etc:systemd/network/.*" "units:systemd-networkd.*" ];
  }
  (moveAddresses "ipv4")
  (moveAddresses "ipv6")
  (moveGateway "defaultGateway")
  (moveGateway "defaultGateway6")
]
++ map (device: {
  option = [ "systemd.units" ];
  within = [ device "text" ];
  value = "[Unit]\nJobTimeoutSec=1s\n";
  reason = "the card is not there, and the boot would wait for it for 90 s";
  explains = [ "units:${builtins.replaceStrings [ "\\" "." ] [ "\\\\" "\\." ] device}" ];
}) awaited
