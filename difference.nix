# In what the configuration of the vm differs from that of the system that is deployed, as plain data: groups of names,
# each with the value on either side, or `null` where that side lacks it.
{
  lib,
  # The configuration that is deployed, and that of its vm.
  system,
  vm,
}:

let
  # Plain text: naming a path must not ask for it to be built.
  text = value: builtins.unsafeDiscardStringContext "${value}";
  shown = value: if lib.isString value then value else if lib.isAttrs value && value ? outPath then text value else builtins.unsafeDiscardStringContext (builtins.toJSON value);

  # `look` gives a set of strings for a configuration.
  compare =
    look:
    let
      mine = look system;
      theirs = look vm;
      row = name: {
        inherit name;
        system = mine.${name} or null;
        vm = theirs.${name} or null;
      };
    in
    lib.filter (each: each.system != each.vm) (map row (lib.attrNames (mine // theirs)));

  # Settings by their names, those that a nixpkgs does not have left out.
  settings =
    names: config:
    lib.listToAttrs (
      lib.concatMap (
        name:
        let
          path = lib.splitString "." name;
          tried = builtins.tryEval (
            let
              value = shown (lib.attrByPath path null config);
            in
            builtins.seq value value
          );
        in
        lib.optional (lib.hasAttrByPath path config && tried.success) (lib.nameValuePair name tried.value)
      ) names
    );

  # Of a list: each element, there or not.
  elements = values: lib.listToAttrs (map (value: lib.nameValuePair (shown value) "") values);

  isEnabled = entry: entry.enable or true;
in
{
  units = compare (
    config:
    lib.mapAttrs (_: unit: if unit.text or null == null then "" else text unit.text) (
      lib.filterAttrs (_: isEnabled) config.systemd.units
    )
  );

  etc = compare (
    config:
    # Units and fstab have groups of their own.
    removeAttrs (lib.mapAttrs' (
      _: entry: lib.nameValuePair entry.target (if entry.text or null != null then text entry.text else text entry.source)
    ) (lib.filterAttrs (_: isEnabled) config.environment.etc)) [ "systemd/system" "fstab" ]
  );

  fileSystems = compare (
    config:
    lib.mapAttrs' (
      _: fileSystem:
      lib.nameValuePair fileSystem.mountPoint (
        "${fileSystem.fsType} on ${if fileSystem.device or null == null then "nothing" else text fileSystem.device}"
        + " (${lib.concatStringsSep "," fileSystem.options})"
      )
    ) config.fileSystems
    // lib.listToAttrs (map (swap: lib.nameValuePair "swap ${text swap.device}" "") config.swapDevices)
    // lib.mapAttrs' (name: luks: lib.nameValuePair "LUKS ${name}" (toString (luks.device or ""))) (
      let
        devices = config.boot.initrd.luks.devices or { };
      in
      # Once a list.
      if lib.isAttrs devices then devices else { }
    )
  );

  kernel =
    compare (config: lib.mapAttrs' (name: lib.nameValuePair "parameter ${name}") (elements config.boot.kernelParams))
    ++ compare (config: lib.mapAttrs' (name: lib.nameValuePair "module ${name}") (elements config.boot.kernelModules))
    ++ compare (
      config:
      lib.mapAttrs' (name: lib.nameValuePair "initrd module ${name}") (
        elements (config.boot.initrd.availableKernelModules ++ config.boot.initrd.kernelModules)
      )
    )
    ++ compare (
      config:
      lib.mapAttrs' (name: value: lib.nameValuePair "sysctl ${name}" (shown value)) (
        lib.filterAttrs (_: value: value != null) config.boot.kernel.sysctl
      )
    )
    ++ compare (
      settings [
        "boot.kernelPackages.kernel.version"
        "boot.resumeDevice"
        "boot.initrd.secrets"
        "boot.initrd.systemd.enable"
        "boot.initrd.checkJournalingFS"
      ]
    );

  bootLoader = compare (
    settings [
      "boot.loader.grub.enable"
      "boot.loader.grub.device"
      "boot.loader.grub.devices"
      "boot.loader.grub.efiSupport"
      "boot.loader.systemd-boot.enable"
      "boot.loader.efi.canTouchEfiVariables"
      "boot.loader.generic-extlinux-compatible.enable"
      "boot.loader.initScript.enable"
      "boot.loader.timeout"
    ]
  );

  network =
    compare (
      settings [
        "networking.hostName"
        "networking.useDHCP"
        "networking.useNetworkd"
        "networking.usePredictableInterfaceNames"
        "networking.nameservers"
        "networking.defaultGateway.address"
        "networking.wireless.enable"
        "networking.firewall.enable"
        "networking.firewall.allowedTCPPorts"
        "networking.firewall.allowedUDPPorts"
        "networking.networkmanager.enable"
      ]
    )
    ++ compare (
      config:
      lib.mapAttrs' (
        name: interface:
        lib.nameValuePair "interface ${name}" (
          lib.concatStringsSep " " (
            map (address: "${address.address}/${toString address.prefixLength}") (
              (interface.ipv4.addresses or [ ]) ++ (interface.ipv6.addresses or [ ])
            )
          )
        )
      ) config.networking.interfaces
    );

  users = compare (
    config:
    lib.mapAttrs' (
      name: user:
      lib.nameValuePair (user.name or name) (
        "${lib.optionalString (user.uid != null) "uid ${toString user.uid}, "}group ${user.group}, home ${text user.home}, shell ${
          text (if user.shell ? shellPath then "${user.shell}${user.shell.shellPath}" else toString user.shell)
        }"
      )
    ) (lib.filterAttrs (_: isEnabled) config.users.users)
  );

  packages = compare (
    config: lib.listToAttrs (map (package: lib.nameValuePair package.name "") (lib.filter (p: p ? name) config.environment.systemPackages))
  );

  overrides = map (
    row:
    row
    // {
      # What the system that is deployed has in its place.
      system = (settings [ row.option ] system).${row.option} or null;
      value = shown row.value;
    }
  ) vm.system.build.drybootOverrides;
}
