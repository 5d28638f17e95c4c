# Platforms: Linux on the machines that Debian's binaries exist for.
{ lib }:

let
  cpus = {
    x86_64 = { bits = 64; family = "x86"; linuxArch = "x86_64"; qemuArch = "x86_64"; ubootArch = "x86_64"; };
    aarch64 = { bits = 64; family = "arm"; linuxArch = "arm64"; qemuArch = "aarch64"; ubootArch = "arm64"; };
  };
in
rec {
  doubles = rec {
    all = [ "x86_64-linux" "aarch64-linux" "x86_64-darwin" "aarch64-darwin" ];
    linux = [ "x86_64-linux" "aarch64-linux" ];
    darwin = [ "x86_64-darwin" "aarch64-darwin" ];
    unix = all;
    x86_64 = [ "x86_64-linux" "x86_64-darwin" ];
    x86 = x86_64;
    aarch64 = [ "aarch64-linux" "aarch64-darwin" ];
    none = [ ];
  };
  flakeExposed = doubles.all;

  elaborate = given:
    let
      args = if builtins.isString given then { system = given; } else given;
      inherit (args) system;
      parts = lib.splitString "-" system;
      cpuName = builtins.head parts;
      kernel = builtins.elemAt parts 1;
      cpu = cpus.${cpuName} or (throw "lib.systems: this is not a platform of the pocket: ${system}");
      self = {
        inherit system;
        config = args.config or "${cpuName}-unknown-linux-gnu";
        isLinux = kernel == "linux";
        isDarwin = kernel == "darwin";
        isUnix = true;
        isWindows = false;
        isx86_64 = cpuName == "x86_64";
        isx86 = cpu.family == "x86";
        isi686 = false;
        isAarch64 = cpuName == "aarch64";
        isAarch = cpu.family == "arm";
        isAarch32 = false;
        isRiscV = false;
        isRiscV64 = false;
        is64bit = true;
        is32bit = false;
        isMusl = false;
        isGnu = true;
        isStatic = false;
        isEfi = true;
        isLittleEndian = true;
        inherit (cpu) linuxArch qemuArch ubootArch;
        parsed = { cpu = { name = cpuName; inherit (cpu) bits family; }; kernel.name = kernel; };
        linux-kernel = { name = cpu.linuxArch; target = "bzImage"; };
        uname = { system = "Linux"; processor = cpuName; release = null; };
        canExecute = other: other.system == system;
        emulatorAvailable = _: true;
        __toString = _: system;
      };
    in
    self // removeAttrs args [ "system" ];
  equals = a: b: a.system == b.system;
  inspect = { };
  parse = { };
  platforms = { };
  examples = { };
  supported = { hydra = doubles.linux; };
}
