# The packages that every user of the machine has, joined into one tree: /run/current-system/sw.
{ config, lib, pkgs, ... }:

let
  inherit (lib) mkOption types;

  cfg = config.environment;

  # What a shell user takes for granted.
  requiredPackages = map (package: lib.setPrio ((package.meta.priority or lib.meta.defaultPriority) + 3) package) [
    pkgs.bashInteractive
    pkgs.bzip2
    pkgs.coreutils-full
    pkgs.cpio
    pkgs.curl
    pkgs.diffutils
    pkgs.findutils
    pkgs.gawk
    pkgs.getent
    pkgs.gnugrep
    pkgs.gnused
    pkgs.gnutar
    pkgs.gzip
    pkgs.hostname
    pkgs.less
    pkgs.netcat
    pkgs.procps
    pkgs.su
    pkgs.util-linux
    pkgs.which
    pkgs.xz
    pkgs.zstd
  ];
in
{
  options = {
    environment.systemPackages = mkOption {
      type = types.listOf types.package;
      default = [ ];
      example = lib.literalExpression "[ pkgs.curl pkgs.jq ]";
      description = "Packages for every user.";
    };
    environment.corePackages = mkOption {
      type = types.listOf types.package;
      default = requiredPackages;
      internal = true;
      description = "Packages without which a system is hardly usable.";
    };
    environment.defaultPackages = mkOption {
      type = types.listOf types.package;
      default = [ ];
      description = "Packages that are installed unless the machine is to be minimal.";
    };
    environment.pathsToLink = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [ "/share/doc" ];
      description = "Directories of packages that the tree has; `/` for all.";
    };
    environment.extraOutputsToInstall = mkOption {
      type = types.listOf types.str;
      default = [ ];
      description = "Outputs of packages beyond the main one.";
    };
    environment.extraSetup = mkOption {
      type = types.lines;
      default = "";
      description = "Shell commands that change the tree in $out once it is joined.";
    };
    system.path = mkOption {
      type = types.package;
      internal = true;
      description = "The tree.";
    };
  };

  config = {
    environment.systemPackages = cfg.corePackages ++ cfg.defaultPackages;

    environment.pathsToLink = [
      "/bin"
      "/etc/xdg"
      "/sbin"
      "/share/bash-completion"
      "/share/dbus-1"
      "/share/locale"
      "/share/misc"
      "/share/nano"
      "/share/org"
      "/share/systemd"
      "/share/terminfo"
      "/share/vim-plugins"
      "/share/xdg"
    ];

    system.path = pkgs.buildEnv {
      name = "system-path";
      paths = cfg.systemPackages;
      inherit (cfg) pathsToLink extraOutputsToInstall;
      ignoreCollisions = true;
      postBuild = cfg.extraSetup;
    };
  };
}
