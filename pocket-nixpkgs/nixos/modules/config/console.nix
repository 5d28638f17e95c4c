# The Linux console: its keyboard and font. The pocket sets neither, a guest's console is its serial port.
{ config, lib, ... }:

let
  inherit (lib) mkOption types;

  cfg = config.console;
in
{
  imports = [
    (lib.mkRenamedOptionModule [ "i18n" "consoleKeyMap" ] [ "console" "keyMap" ])
    (lib.mkRenamedOptionModule [ "i18n" "consoleFont" ] [ "console" "font" ])
    (lib.mkRenamedOptionModule [ "i18n" "consolePackages" ] [ "console" "packages" ])
    (lib.mkRenamedOptionModule [ "i18n" "consoleUseXkbConfig" ] [ "console" "useXkbConfig" ])
  ];

  options.console = {
    enable = mkOption { type = types.bool; default = true; description = "Whether there is a virtual console."; };
    font = mkOption { type = types.nullOr (types.either types.str types.path); default = null; description = "The font."; };
    keyMap = mkOption { type = types.either types.str types.path; default = "us"; description = "The keyboard's layout."; };
    colors = mkOption { type = types.listOf (types.strMatching "[[:xdigit:]]{6}"); default = [ ]; description = "The 16 colours."; };
    packages = mkOption { type = types.listOf types.package; default = [ ]; description = "Packages with fonts and layouts."; };
    useXkbConfig = mkOption { type = types.bool; default = false; description = "Whether the layout is that of the graphical session."; };
    earlySetup = mkOption { type = types.bool; default = false; description = "Whether stage 1 sets font and layout."; };
  };

  config.environment.etc."vconsole.conf".text = ''
    KEYMAP=${toString cfg.keyMap}
    ${lib.optionalString (cfg.font != null) "FONT=${toString cfg.font}"}
  '';
}
