# What the system calls itself. It is the pocket, and says so wherever a version is shown.
{ config, lib, options, pkgs, ... }:

let
  inherit (lib) mkOption types;

  cfg = config.system.nixos;

  osRelease = lib.filterAttrs (_: value: value != null) {
    ID = cfg.distroId;
    NAME = cfg.distroName;
    PRETTY_NAME = "${cfg.distroName} ${cfg.release} (${cfg.codeName})";
    VERSION = "${cfg.release} (${cfg.codeName})";
    VERSION_CODENAME = lib.toLower cfg.codeName;
    VERSION_ID = cfg.release;
    BUILD_ID = cfg.version;
    VARIANT = cfg.variantName;
    VARIANT_ID = cfg.variant_id;
  }
  // cfg.extraOSReleaseArgs;

  lsbRelease = {
    DISTRIB_CODENAME = lib.toLower cfg.codeName;
    DISTRIB_DESCRIPTION = "${cfg.distroName} ${cfg.release} (${cfg.codeName})";
    DISTRIB_ID = cfg.distroId;
    DISTRIB_RELEASE = cfg.release;
  }
  // cfg.extraLSBReleaseArgs;

  # Always quoted: not every reader of these files is a shell.
  assignments = lib.concatMapAttrsStringSep "" (name: value: "${name}=\"${lib.escape [ "\\" "\"" "$" "`" ] value}\"\n");

  nixosVersion = pkgs.writeShellScriptBin "nixos-version" ''
    case "$1" in
      -h | --help) echo "usage: nixos-version [--hash | --revision | --configuration-revision | --json]" ;;
      --hash | --revision) echo "nixos-version: the pocket has no revision" >&2; exit 1 ;;
      --configuration-revision)
        ${if config.system.configurationRevision == null then "echo 'nixos-version: no revision was set' >&2; exit 1" else "echo ${lib.escapeShellArg config.system.configurationRevision}"} ;;
      --json) cat ${pkgs.writeText "nixos-version.json" (builtins.toJSON { nixosVersion = cfg.version; inherit (config.system) configurationRevision; })} ;;
      "") echo ${lib.escapeShellArg "${cfg.version} (${cfg.codeName})"} ;;
      *) echo "nixos-version: unknown option: $1" >&2; exit 1 ;;
    esac
  '';
in
{
  imports = [
    (lib.mkRenamedOptionModule [ "system" "nixosVersion" ] [ "system" "nixos" "version" ])
    (lib.mkRenamedOptionModule [ "system" "nixosLabel" ] [ "system" "nixos" "label" ])
  ];

  options.system = {
    nixos = {
      version = mkOption { type = types.str; default = lib.version; internal = true; description = "The full version."; };
      release = mkOption { type = types.str; default = lib.trivial.release; readOnly = true; description = "The release whose options this tree follows."; };
      versionSuffix = mkOption { type = types.str; default = lib.versionSuffix; internal = true; description = "What the version ends in."; };
      revision = mkOption { type = types.nullOr types.str; default = null; internal = true; description = "The revision of the tree."; };
      codeName = mkOption { type = types.str; default = lib.trivial.codeName; readOnly = true; description = "The release's name."; };
      label = mkOption {
        type = types.strMatching "[a-zA-Z0-9:_\\.-]*";
        default = lib.concatStringsSep "-" (lib.sort (a: b: a < b) cfg.tags ++ [ cfg.version ]);
        defaultText = lib.literalMD "tags and version";
        description = "The name of the system in boot menus and greetings.";
      };
      tags = mkOption { type = types.listOf types.str; default = [ ]; description = "Strings at the front of the label."; };
      distroId = mkOption { type = types.str; default = "nixos"; internal = true; description = "The id in os-release."; };
      distroName = mkOption { type = types.str; default = "NixOS (dryboot's pocket)"; internal = true; description = "The name in os-release."; };
      vendorId = mkOption { type = types.str; default = "nixos"; internal = true; description = "The id of the vendor."; };
      vendorName = mkOption { type = types.str; default = "NixOS"; internal = true; description = "The name of the vendor."; };
      variant_id = mkOption { type = types.nullOr types.str; default = null; description = "The variant in os-release."; };
      variantName = mkOption { type = types.nullOr types.str; default = null; description = "The variant's name in os-release."; };
      extraOSReleaseArgs = mkOption { type = types.attrsOf types.str; default = { }; description = "More entries of os-release."; };
      extraLSBReleaseArgs = mkOption { type = types.attrsOf types.str; default = { }; description = "More entries of lsb-release."; };
    };

    stateVersion = mkOption {
      type = types.str;
      default = cfg.release;
      defaultText = lib.literalExpression "config.system.nixos.release";
      description = "The release with which the machine's data began.";
    };
    configurationRevision = mkOption { type = types.nullOr types.str; default = null; description = "The revision of the configuration."; };
    defaultChannel = mkOption { type = types.str; default = "https://nixos.org/channels/nixos-unstable"; internal = true; description = "The channel of a new system."; };
  };

  config = {
    warnings = lib.optional (options.system.stateVersion.highestPrio == (lib.mkOptionDefault { }).priority)
      "system.stateVersion is not set, defaulting to ${config.system.stateVersion}. Read why this matters on https://nixos.org/manual/nixos/stable/options.html#opt-system.stateVersion.";

    environment.etc.os-release.text = assignments osRelease;
    environment.etc.lsb-release.text = assignments lsbRelease;

    environment.systemPackages = [ nixosVersion ];
  };
}
