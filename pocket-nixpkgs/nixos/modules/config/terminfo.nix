# Descriptions of terminals.
{ config, lib, pkgs, ... }:

{
  options.environment.enableAllTerminfo = lib.mkOption {
    type = lib.types.bool;
    default = false;
    description = "Whether descriptions of rare terminals are installed.";
  };

  config.environment = {
    pathsToLink = [ "/share/terminfo" ];
    etc.terminfo.source = "${config.system.path}/share/terminfo";
    systemPackages = [ pkgs.ncurses ];
  };
}
