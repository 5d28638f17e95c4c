# Builds any NixOS machine twice from one configuration: `system`, the closure that is deployed, untouched;
# and `vm`, the same machine with the few overrides below, so that QEMU can boot it to a root shell on its serial port.
#
#   nix-build vm.nix --arg machine ./machines/web.nix -A vm && result/bin/run-web-vm
#   nix-build vm.nix --arg machine ./machines/web.nix -A system
#
# One file for nixpkgs from 18.09 to today: an override whose option does not exist is left out.
{
  # A path, or a module itself; where none is given, what NixOS's own tools would take.
  machine ?
    let
      fromEnvironment = builtins.getEnv "NIXOS_CONFIG";
    in
    if fromEnvironment != "" then fromEnvironment else <nixos-config>,
  nixpkgs ?
    let
      found = builtins.tryEval <nixpkgs>;
    in
    if found.success then found.value else ./pocket-nixpkgs,
  system ? builtins.currentSystem,
  # The machine's own additions to its vm, a path or a list of modules. They reach every option but those that the table
  # below sets without `soft`; `lib.mkOverride 5` reaches these too.
  vmModules ? [ ],
  # The same from whoever boots the vm, for this once: dryboot's `overrides`.
  extraVmModules ? [ ],
  # An evaluated configuration (`nixosConfigurations.web` of a flake) in place of `machine` and `nixpkgs`.
  evaluated ? null,
  # MiB, and virtual processors; null leaves both to the machine.
  memorySize ? null,
  cores ? null,
  # What dryboot reads out of a configuration; an argument because a flake's pure evaluation may not read files.
  describe ? import ./manifest.nix,
  declarations ? import ./declarations.nix,
  # What tells the vm's configuration from the machine's; an argument for the same reason.
  compare ? import ./difference.nix,
  # What gives the guest's one card an address.
  networkOverrides ? import ./network-overrides.nix,
}:

let
  # `--argstr` hands a path over as a string, whatever characters it has.
  toPath = value: if builtins.isString value then /. + value else value;

  nixpkgsPath = if evaluated != null then evaluated.pkgs.path else toPath nixpkgs;
  lib = import (nixpkgsPath + "/lib");
  evalConfig = modules: import (nixpkgsPath + "/nixos/lib/eval-config.nix") { inherit system modules; };

  # As `nixos/default.nix` does it, and no other module around it: lists keep their order, so that `system` is the store path that it gives.
  base = if evaluated != null then evaluated else evalConfig [ (toPath machine) ];

  # What the vm differs in from the system, and why. qemu-vm.nix already replaces file systems, swap, LUKS and boot loader.
  # `option` holds the names that an option has had; the first that exists is set. `soft` gives way to the machine's own value.
  # `within` leads on into an option that has no options of its own below it. `certain`: it has always existed, and to look
  # it up would need what is being defined.
  overrides = { config, pkgs, options }: [
    {
      option = [ "virtualisation.graphics" ];
      value = false;
      reason = "the serial port is the console, and no display is needed";
    }
    {
      option = [ "services.getty.autologinUser" "services.mingetty.autologinUser" ];
      value = "root";
      reason = "the root shell on the serial port is the way into the guest";
      explains = [ "units:(serial-|container-)?getty@.*" "units:autovt@.*" "units:console-getty.*" "etc:issue" ];
    }
    {
      option = [ "services.getty.autologinOnce" ];
      value = false;
      reason = "the serial port must give a root shell after another terminal had one";
    }
    {
      option = [ "systemd.services" ];
      within = [ serialGetty ];
      value = gettyOf config;
      when = !(base.config.systemd.services.${serialGetty}.enable or true);
      reason = "the machine runs no shell on its serial port (NixOS's headless profile says so)";
      explains = [ "units:serial-getty@.*" ];
    }
    {
      option = [ "users.users" ];
      within = [ "root" "shell" ];
      value = pkgs.bashInteractive;
      reason = "dryboot speaks bash to the root shell";
      explains = [ "users:root" ];
    }
    {
      option = [ "virtualisation.memorySize" ];
      value = if memorySize != null then memorySize else 1024;
      soft = memorySize == null;
      reason = "qemu-vm.nix has given guests as little as 384 MiB";
    }
    {
      option = [ "virtualisation.cores" ];
      value = cores;
      when = cores != null;
      reason = "asked for";
    }
    {
      option = [ "virtualisation.useNixStoreImage" ];
      value = true;
      when = storeImage options;
      reason = "the guest sees its own closure and not the host's whole store, so that a missing path is missed";
      explains = [ "fileSystems:/nix/\\.ro-store" ];
    }
    {
      option = [ "virtualisation.writableStore" ];
      value = true;
      when = storeImage options;
      reason = "as on the deployed machine; with a store image qemu-vm.nix makes it read-only";
      explains = [ "fileSystems:/nix/(\\.rw-)?store" "kernel:(initrd )?module overlay" ];
    }
    {
      option = [ "virtualisation.sharedDirectories" ];
      value = { };
      when = storeImage options;
      reason = "the guest sees nothing of the host's files, and a mounted share would keep QEMU from saving its state";
    }
    {
      option = [ "boot.initrd.secrets" ];
      value = { };
      reason = "the secrets lie on the deployed machine, and no boot loader adds them to the vm's initrd";
      explains = [ "kernel:boot\\.initrd\\.secrets" ];
    }
    {
      option = [ "boot.resumeDevice" ];
      value = "";
      reason = "the swap device is not there, and stage 1 would wait for it";
      explains = [ "kernel:boot\\.resumeDevice" "kernel:parameter resume=.*" ];
    }
    {
      option = [ "fileSystems" ];
      certain = true;
      value = inMemory;
      when = inMemory != { };
      reason = "what lives in memory needs no disk; qemu-vm.nix leaves it out with the rest";
    }
    {
      option = [ "services.timesyncd.enable" ];
      value = false;
      reason = "the guest takes its time from the host; qemu-vm.nix says so too, but would clash with the machine's own value";
      explains = [ "units:systemd-timesyncd.*" "etc:systemd/timesyncd.*" "users:systemd-timesync" ];
    }
    {
      option = [ "networking.usePredictableInterfaceNames" ];
      value = false;
      reason = "QEMU's card is eth0; qemu-vm.nix says so too, but would clash with the machine's own value";
      explains = [ "network:networking\\.usePredictableInterfaceNames" "kernel:parameter net.ifnames=0" "etc:udev/.*" "etc:systemd/network/.*" ];
    }
  ] ++ networkOverrides { inherit lib; inherit (base) config; };

  serialGetty = "serial-getty@${if base.pkgs.stdenv.hostPlatform.isx86 then "ttyS0" else "ttyAMA0"}";

  # A masked instance comes back only as a whole unit: systemd's own serial-getty@.service with NixOS's command.
  gettyOf = config: {
    description = "Serial Getty on %I";
    bindsTo = [ "dev-%i.device" ];
    after = [ "dev-%i.device" "systemd-user-sessions.service" ];
    before = [ "getty.target" ];
    conflicts = [ "rescue.service" ];
    restartIfChanged = false;
    serviceConfig = config.systemd.services."serial-getty@".serviceConfig // {
      Type = "idle";
      Restart = "always";
      UtmpIdentifier = "%I";
      StandardInput = "tty";
      StandardOutput = "tty";
      TTYPath = "/dev/%I";
      TTYReset = true;
      TTYVHangup = true;
      IgnoreSIGPIPE = false;
      SendSIGHUP = true;
    };
  };

  # All file systems of the machine that a guest can have as they are; a root in memory is no such thing, since
  # qemu-vm.nix has a disk for it.
  inMemory = lib.mapAttrs (_: fileSystem: { inherit (fileSystem) device fsType options; }) (
    lib.filterAttrs (
      mountPoint: fileSystem:
      lib.elem fileSystem.fsType [ "tmpfs" "ramfs" ] && mountPoint != "/" && !lib.hasPrefix "/nix" mountPoint
    ) (base.config.fileSystems or { })
  );

  # Before `mountHostNixStore` the store image was built inside another virtual machine, which needs KVM.
  storeImage = options: options.virtualisation ? mountHostNixStore;

  overridesModule =
    { config, lib, options, pkgs, ... }:
    let
      isOption = path: (lib.attrByPath path { } options)._type or null == "option";
      applied = lib.concatMap (
        row:
        let
          existing = lib.filter (path: row.certain or false || isOption path) (map (lib.splitString ".") row.option);
        in
        lib.optional (row.when or true && existing != [ ]) (
          row // { path = lib.head existing ++ row.within or [ ]; }
        )
      ) (overrides { inherit config options pkgs; });
      # Between an option's own default and mkDefault, or else mkVMOverride's, which beats mkForce.
      priority = row: lib.mkOverride (if row.soft or false then 1200 else 10);
    in
    {
      _file = "dryboot's vm.nix";
      config = lib.mkMerge (
        map (row: lib.setAttrByPath row.path (priority row row.value)) applied
        # Read by the manifest: the options of a vmVariant cannot be seen from outside.
        ++ [ { system.build.drybootOverrides = map describeOverride applied; } ]
      );
    };

  describeOverride = row: {
    option = lib.concatStringsSep "." row.path;
    value = shown row.value;
    inherit (row) reason;
    explains = row.explains or [ ];
  };

  shown = value: if value.type or null == "derivation" then value.name else value;

  toList = value: if builtins.isList value then value else [ value ];
  vmOnly = [ overridesModule ] ++ map toPath (toList vmModules ++ toList extraVmModules);

  # From 22.05 on the machine may say itself what its vm is like (`virtualisation.vmVariant`); before, a second evaluation.
  vmConfig =
    if (base.options.virtualisation or { }) ? vmVariant then
      (base.extendModules {
        modules = [ { virtualisation.vmVariant.imports = vmOnly; } ];
      }).config.virtualisation.vmVariant
    else if evaluated == null then
      (evalConfig (
        [
          (toPath machine)
          (nixpkgsPath + "/nixos/modules/virtualisation/qemu-vm.nix")
        ]
        ++ vmOnly
      )).config
    else
      throw "This flake's nixpkgs has no virtualisation.vmVariant; dryboot needs nixpkgs 22.05 or newer to boot a flake's machine.";

  manifest = describe { inherit lib base vmConfig nixpkgsPath declarations; };

  vm = vmConfig.system.build.vm;
  toplevel = base.config.system.build.toplevel;

  # Plain text, so that naming a path does not ask for it to be built.
  path = builtins.unsafeDiscardStringContext;
in
{
  inherit vm manifest;
  inherit (base) config options pkgs;
  system = toplevel;

  # Everything that one evaluation can tell, for `nix-instantiate --eval --strict --json`.
  evaluation = {
    inherit manifest;
    nixpkgs = {
      path = toString nixpkgsPath;
      version = manifest.nixosVersion;
    };
    vmDerivation = path vm.drvPath;
    system = path toplevel.outPath;
    systemDerivation = path toplevel.drvPath;
  };

  # In what the vm is not the system that is deployed, to be read in the same way.
  difference = {
    inherit (manifest) hostName;
    nixpkgs = {
      path = toString nixpkgsPath;
      version = manifest.nixosVersion;
    };
    groups = compare {
      inherit lib;
      system = base.config;
      vm = vmConfig;
    };
  };
}
