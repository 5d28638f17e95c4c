# Small programs that are installed by an option of their own.
{ config, lib, pkgs, ... }:

let
  inherit (lib) mkOption types;

  cfg = config.programs;
  enable = what: lib.mkEnableOption what;
in
{
  options.programs = {
    less = {
      enable = mkOption { type = types.bool; default = true; description = "Whether less is installed."; };
      package = mkOption { type = types.package; default = pkgs.less; description = "The package."; };
      lessopen = mkOption { type = types.nullOr types.str; default = null; description = "What prepares files for less."; };
      envVariables = mkOption { type = types.attrsOf types.str; default = { LESS = "-R"; }; description = "Environment variables."; };
    };
    htop = {
      enable = enable "htop process monitor";
      package = mkOption { type = types.package; default = pkgs.htop; description = "The package."; };
      settings = mkOption { type = with types; attrsOf (oneOf [ str int bool (listOf (oneOf [ str int bool ])) ]); default = { }; description = "Settings of htoprc."; };
    };
    tmux = {
      enable = enable "tmux";
      package = mkOption { type = types.package; default = pkgs.tmux; description = "The package."; };
      baseIndex = mkOption { type = types.int; default = 0; description = "The number of the first window."; };
      clock24 = mkOption { type = types.bool; default = false; description = "Whether the clock has 24 hours."; };
      escapeTime = mkOption { type = types.int; default = 500; description = "How long an escape may take, in ms."; };
      historyLimit = mkOption { type = types.int; default = 2000; description = "How many lines are kept."; };
      keyMode = mkOption { type = types.enum [ "emacs" "vi" ]; default = "emacs"; description = "Whose keys are used."; };
      newSession = mkOption { type = types.bool; default = false; description = "Whether attaching starts a session."; };
      shortcut = mkOption { type = types.str; default = "b"; description = "The key after Ctrl that commands begin with."; };
      terminal = mkOption { type = types.str; default = "screen"; description = "The value of TERM."; };
      extraConfig = mkOption { type = types.lines; default = ""; description = "Further lines of tmux.conf."; };
    };
    command-not-found.enable = mkOption { type = types.bool; default = false; description = "Whether shells name packages for missing commands; the pocket cannot."; };
  };

  config = lib.mkMerge [
    (lib.mkIf cfg.less.enable {
      environment.systemPackages = [ cfg.less.package ];
      environment.variables = lib.mapAttrs (_: lib.mkOverride 900) cfg.less.envVariables
        // lib.optionalAttrs (cfg.less.lessopen != null) { LESSOPEN = cfg.less.lessopen; };
    })
    (lib.mkIf cfg.htop.enable {
      environment.systemPackages = [ cfg.htop.package ];
      environment.etc.htoprc.text =
        let
          text = value: if builtins.isBool value then (if value then "1" else "0") else if builtins.isList value then lib.concatMapStringsSep " " text value else toString value;
        in
        lib.concatStrings (lib.mapAttrsToList (name: value: "${name}=${text value}\n") cfg.htop.settings);
    })
    (lib.mkIf cfg.tmux.enable {
      environment.systemPackages = [ cfg.tmux.package ];
      environment.etc."tmux.conf".text = ''
        set -g default-terminal "${cfg.tmux.terminal}"
        set -g base-index ${toString cfg.tmux.baseIndex}
        setw -g pane-base-index ${toString cfg.tmux.baseIndex}
        ${lib.optionalString cfg.tmux.newSession "new-session"}
        set -g status-keys ${cfg.tmux.keyMode}
        set -g mode-keys ${cfg.tmux.keyMode}
        ${lib.optionalString (cfg.tmux.shortcut != "b") ''
          unbind C-b
          set -g prefix C-${cfg.tmux.shortcut}
          bind ${cfg.tmux.shortcut} send-prefix
          bind C-${cfg.tmux.shortcut} last-window
        ''}
        setw -g clock-mode-style ${if cfg.tmux.clock24 then "24" else "12"}
        set -s escape-time ${toString cfg.tmux.escapeTime}
        set -g history-limit ${toString cfg.tmux.historyLimit}
        ${cfg.tmux.extraConfig}
      '';
    })
  ];
}
