# Editors: nano, which every machine has, and vim.
{ config, lib, pkgs, ... }:

let
  inherit (lib) mkOption types;

  cfg = config.programs;
  editor = package: mkOption { type = types.package; default = package; description = "The package."; };
  asDefault = what: mkOption { type = types.bool; default = false; description = "Whether ${what} is the default editor."; };
in
{
  options.programs = {
    nano = {
      enable = mkOption { type = types.bool; default = true; description = "Whether nano is installed."; };
      package = editor pkgs.nano;
      nanorc = mkOption { type = types.lines; default = ""; description = "Settings of every user."; };
      syntaxHighlight = mkOption { type = types.bool; default = true; description = "Whether text is coloured."; };
    };
    vim = {
      enable = mkOption { type = types.bool; default = false; description = "Whether vim is installed."; };
      package = editor pkgs.vim;
      defaultEditor = asDefault "vim";
    };
  };

  config = lib.mkMerge [
    (lib.mkIf cfg.nano.enable {
      environment.systemPackages = [ cfg.nano.package ];
      environment.etc.nanorc.text = cfg.nano.nanorc + lib.optionalString cfg.nano.syntaxHighlight ''

        include ${cfg.nano.package}/share/nano/*.nanorc
      '';
    })
    (lib.mkIf (cfg.vim.enable || cfg.vim.defaultEditor) { environment.systemPackages = [ cfg.vim.package ]; })
    (lib.mkIf cfg.vim.defaultEditor { environment.variables.EDITOR = lib.mkOverride 900 "vim"; })
  ];
}
