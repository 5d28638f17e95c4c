# bash: /etc/profile, /etc/bashrc, and the prompt.
{ config, lib, pkgs, ... }:

let
  inherit (lib) mkOption types;

  cfg = config.programs.bash;
  env = config.environment;

  aliases = lib.concatStrings (
    lib.mapAttrsToList (name: value: "alias -- ${name}=${lib.escapeShellArg value}\n") (
      lib.filterAttrs (_: value: value != null) cfg.shellAliases
    )
  );
  text = description: default: mkOption { type = types.lines; inherit default description; };
in
{
  imports = [
    (lib.mkRenamedOptionModule [ "programs" "bash" "enableCompletion" ] [ "programs" "bash" "completion" "enable" ])
    (lib.mkRemovedOptionModule [ "programs" "bash" "enable" ] "bash is the shell of every system.")
  ];

  options.programs.bash = {
    shellAliases = mkOption {
      type = with types; attrsOf (nullOr (either str path));
      default = { };
      description = "Aliases of bash.";
    };
    shellInit = text "Shell code of every bash." "";
    loginShellInit = text "Shell code of login shells." "";
    interactiveShellInit = text "Shell code of interactive shells." "";
    logout = text "Shell code of a login shell's end." "";
    promptInit = text "Shell code that sets the prompt." ''
      # A colour where the terminal has one; red for root.
      if [ "$TERM" != "dumb" ] || [ -n "$INSIDE_EMACS" ]; then
        PROMPT_COLOR="1;31m"
        ((UID)) && PROMPT_COLOR="1;32m"
        if [ -n "$INSIDE_EMACS" ]; then
          PS1="\n\[\033[$PROMPT_COLOR\][\u@\h:\w]\\$\[\033[0m\] "
        else
          PS1="\n\[\033[$PROMPT_COLOR\][\[\e]0;\u@\h: \w\a\]\u@\h:\w]\\$\[\033[0m\] "
        fi
        if test "$TERM" = "xterm"; then
          PS1="\[\033]2;\h:\u:\w\007\]$PS1"
        fi
      fi
    '';
    promptPluginInit = text "Shell code of the prompt's additions." "";
    completion.enable = mkOption {
      type = types.bool;
      default = true;
      description = "Whether programs' own completions are loaded.";
    };
  };

  config = {
    programs.bash = {
      shellAliases = lib.mapAttrs (_: lib.mkDefault) env.shellAliases;
      shellInit = env.shellInit;
      loginShellInit = env.loginShellInit;
      interactiveShellInit = ''
        shopt -s checkwinsize
        ${env.interactiveShellInit}
        ${aliases}
      '';
    };

    environment.etc.profile.text = ''
      # Read by login shells.
      if [ -n "$__ETC_PROFILE_SOURCED" ]; then return; fi
      __ETC_PROFILE_SOURCED=1
      __ETC_PROFILE_DONE=1

      if [ -z "$__NIXOS_SET_ENVIRONMENT_DONE" ]; then
        . ${config.system.build.setEnvironment}
      fi

      ${cfg.shellInit}
      ${cfg.loginShellInit}

      if test -f /etc/profile.local; then
        . /etc/profile.local
      fi

      if [ -n "''${BASH_VERSION:-}" ]; then
        . /etc/bashrc
      fi
    '';

    environment.etc.bashrc.text = ''
      # Read by interactive shells.
      if [ -n "$__ETC_BASHRC_SOURCED" ] || [ -n "$NOSYSBASHRC" ]; then return; fi
      __ETC_BASHRC_SOURCED=1

      # A shell that is no login shell has not read /etc/profile.
      if [ -z "$__ETC_PROFILE_DONE" ]; then
        . /etc/profile
      fi

      if [ -n "$PS1" ]; then
        ${cfg.interactiveShellInit}
        ${cfg.promptInit}
        ${cfg.promptPluginInit}
      fi

      if test -f /etc/bashrc.local; then
        . /etc/bashrc.local
      fi
    '';

    environment.etc.bash_logout = lib.mkIf (cfg.logout != "") { text = cfg.logout; };
    environment.pathsToLink = lib.optionals cfg.completion.enable [ "/etc/bash_completion.d" "/share/bash-completion" ];

    users.defaultUserShell = lib.mkDefault pkgs.bashInteractive;
    environment.etc.inputrc.text = ''
      set meta-flag on
      set input-meta on
      set convert-meta off
      set output-meta on
      set colored-stats on
      "\e[1~": beginning-of-line
      "\e[4~": end-of-line
      "\e[3~": delete-char
      "\e[5~": history-search-backward
      "\e[6~": history-search-forward
      "\e[H": beginning-of-line
      "\e[F": end-of-line
    '';
  };
}
