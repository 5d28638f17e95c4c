# git.
{ config, lib, pkgs, ... }:

let
  inherit (lib) mkOption types;

  cfg = config.programs.git;
  section = with types; attrsOf (attrsOf anything);
in
{
  options.programs.git = {
    enable = lib.mkEnableOption "git, a distributed version control system";
    package = mkOption { type = types.package; default = pkgs.git; description = "The git to use."; };
    config = mkOption {
      type = with types; coercedTo section (set: [ set ]) (listOf section);
      default = [ ];
      example = { init.defaultBranch = "main"; };
      description = "Settings of every user: /etc/gitconfig.";
    };
    prompt.enable = mkOption { type = types.bool; default = false; description = "Whether shells can show the branch."; };
    lfs.enable = mkOption { type = types.bool; default = false; description = "Whether large files are kept apart."; };
  };

  config = lib.mkIf cfg.enable {
    environment.systemPackages = [ cfg.package ];
    assertions = [
      {
        assertion = !cfg.lfs.enable && !cfg.prompt.enable;
        message = "The pocket has neither git-lfs nor git's prompt; programs.git.{lfs,prompt}.enable need a real nixpkgs.";
      }
    ];
    environment.etc.gitconfig = lib.mkIf (cfg.config != [ ]) {
      text = lib.concatMapStringsSep "\n" lib.generators.toGitINI cfg.config;
    };
  };
}
