# Profiles, and the search paths that lead into them.
{ config, lib, pkgs, ... }:

{
  environment = {
    profiles = lib.mkAfter [
      "/nix/var/nix/profiles/default"
      "/run/current-system/sw"
    ];

    profileRelativeSessionVariables = {
      PATH = [ "/bin" ];
      INFOPATH = [ "/info" "/share/info" ];
      XDG_CONFIG_DIRS = [ "/etc/xdg" ];
      XDG_DATA_DIRS = [ "/share" ];
      TERMINFO_DIRS = [ "/share/terminfo" ];
    };

    variables = {
      NIXPKGS_CONFIG = "/etc/nix/nixpkgs-config.nix";
      EDITOR = lib.mkDefault "nano";
      PAGER = lib.mkDefault "less";
      LESS = lib.mkDefault "-R";
    };

    # A user's own profiles come first. Not in the list above: they depend on who the user is.
    extraInit = lib.mkBefore ''
      export NIX_USER_PROFILE_DIR="/nix/var/nix/profiles/per-user/$USER"
      export NIX_PROFILES="${lib.concatStringsSep " " (lib.reverseList config.environment.profiles)} /etc/profiles/per-user/$USER $HOME/.nix-profile"
      export PATH="/run/wrappers/bin:$HOME/.nix-profile/bin:/etc/profiles/per-user/$USER/bin:''${PATH#/run/wrappers/bin:}"
    '';
  };
}
