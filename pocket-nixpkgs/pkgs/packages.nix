# nixpkgs' names for the distribution's packages, with what configurations look up in them.
{ pkgs, lib, system }:

let
  debian = import ./debian.nix { inherit lib system; };
  own = debian.packages;

  # A package has one output, which stands for all those that nixpkgs may have split it into.
  finish = package: extra:
    let
      self = package // {
        out = self;
        bin = self;
        dev = self;
        lib = self;
        man = self;
        doc = self;
        override = _: self;
        overrideAttrs = _: self;
        passthru = { };
        outputs = [ "out" ];
        meta = { mainProgram = package.pname; description = "${package.pname} of ${debian.distribution}"; } // extra.meta or { };
      } // removeAttrs extra [ "meta" ];
    in
    self;
  main = program: { meta.mainProgram = program; };
  shell = { shellPath = "/bin/bash"; meta.mainProgram = "bash"; };
  majorOf = version: lib.head (lib.splitVersion version);

  details = {
    bash = shell;
    coreutils = main "ls";
    findutils = main "find";
    gnugrep = main "grep";
    gnused = main "sed";
    gnutar = main "tar";
    gawk = main "awk";
    diffutils = main "diff";
    openssh = main "ssh";
    iproute2 = main "ip";
    iputils = main "ping";
    netcat = main "nc";
    nftables = main "nft";
    procps = main "ps";
    systemd = main "systemctl" // { interfaceVersion = 2; };
    dbus = main "dbus-daemon";
    shadow = main "passwd" // { shellPath = "/bin/nologin"; };
    e2fsprogs = main "mke2fs";
    util-linux = main "mount";
    sqlite = main "sqlite3";
    redis = main "redis-server";
    postgresql = main "psql" // { psqlSchema = majorOf own.postgresql.version; };
    linux = {
      modDirVersion = linuxRelease;
      isHardened = false;
      features = { };
      config = { isEnabled = _: true; isYes = _: true; isModule = _: true; };
    };
  };

  # The release is in the package's name: linux-image-<release>.
  linuxRelease = lib.head (
    lib.concatMap (
      deb:
      let found = builtins.match "linux-image-(unsigned-)?([0-9].*)" deb; in
      lib.optional (found != null) (lib.elemAt found 1)
    ) debian.debsOf.linux
  );

  packages = lib.mapAttrs (name: package: finish package (details.${name} or { })) own;
  linuxPackages = { kernel = packages.linux; kernelOlder = lib.versionOlder packages.linux.version; kernelAtLeast = lib.versionAtLeast packages.linux.version; };
in
packages
// {
  inherit linuxPackages;
  linuxPackages_latest = linuxPackages;
  linuxKernel.kernels.linux_default = packages.linux;
  linuxPackagesFor = kernel: linuxPackages // { inherit kernel; };
  linux_latest = packages.linux;

  bashInteractive = packages.bash;
  bashNonInteractive = packages.bash;
  coreutils-full = packages.coreutils;
  utillinux = packages.util-linux;
  util-linuxMinimal = packages.util-linux;
  su = finish own.util-linux (main "su");
  systemdMinimal = packages.systemd;
  udev = packages.systemd;
  linux-pam = packages.pam;
  glibc = finish own.libc6 { bin = packages.libc-bin; getent = packages.libc-bin; };
  getent = finish own.libc-bin (main "getent");
  libc = packages.libc6;
  gitMinimal = packages.git;
  vim-full = packages.vim;
  python3Minimal = packages.python3;
  python = packages.python3;
  netcat-openbsd = packages.netcat;
  netcat-gnu = packages.netcat;
  "postgresql_${majorOf own.postgresql.version}" = packages.postgresql;
  openssl_3 = packages.openssl;
  libxz = packages.xz;
  nixStable = packages.nix;
  sqlite-interactive = packages.sqlite;
  terminfo = packages.ncurses;

  # The pocket's own.
  pocket = {
    inherit (debian) distribution bootstrap;
    runtimeLinks = import ./runtime-links.nix { inherit pkgs; };
  };
}
