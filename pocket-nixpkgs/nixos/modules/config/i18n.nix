# Languages.
{ config, lib, pkgs, ... }:

let
  inherit (lib) mkOption types;

  cfg = config.i18n;

  # The C locale needs no archive; then none is built.
  isBuiltIn = locale: builtins.elem locale [ "C" "C.UTF-8" "C.UTF-8/UTF-8" "POSIX" "C/UTF-8" ];
  wanted = builtins.filter (locale: !isBuiltIn locale) cfg.supportedLocales;
  charset = locale: if builtins.match ".*/.*" locale != null then locale else "${locale}/UTF-8";
in
{
  options.i18n = {
    defaultLocale = mkOption {
      type = types.str;
      default = "en_US.UTF-8";
      example = "nl_NL.UTF-8";
      description = "The language of programs and the formats of numbers and dates.";
    };
    defaultCharset = mkOption { type = types.str; default = "UTF-8"; description = "The character set of the default locale."; };
    extraLocales = mkOption {
      type = types.either (types.listOf types.str) (types.enum [ "all" ]);
      default = [ ];
      description = "Locales beyond those in use.";
    };
    extraLocaleSettings = mkOption {
      type = types.attrsOf types.str;
      default = { };
      example = { LC_TIME = "de_DE.UTF-8"; };
      description = "Locales of single categories.";
    };
    localeCharsets = mkOption { type = types.attrsOf types.str; default = { }; description = "Character sets of single categories."; };
    supportedLocales = mkOption {
      type = types.listOf types.str;
      default = lib.unique (
        map charset (
          [ "C.UTF-8" cfg.defaultLocale ]
          ++ lib.attrValues (lib.filterAttrs (name: _: name != "LANGUAGE") cfg.extraLocaleSettings)
          ++ lib.optionals (builtins.isList cfg.extraLocales) cfg.extraLocales
        )
      );
      defaultText = lib.literalMD "the locales that other options name";
      description = "Locales that programs can use.";
    };
    glibcLocales = mkOption {
      type = types.nullOr types.package;
      default = if wanted == [ ] then null else pkgs.glibcLocales.override { allLocales = builtins.elem "all" cfg.supportedLocales; locales = cfg.supportedLocales; };
      defaultText = lib.literalMD "glibcLocales with the supported locales";
      description = "The locales' data.";
    };
  };

  config = {
    environment.sessionVariables = {
      LANG = cfg.defaultLocale;
    }
    // cfg.extraLocaleSettings
    // lib.optionalAttrs (cfg.glibcLocales != null) { LOCALE_ARCHIVE = "/run/current-system/sw/lib/locale/locale-archive"; };

    environment.systemPackages = lib.optional (cfg.glibcLocales != null) cfg.glibcLocales;
    environment.pathsToLink = lib.optional (cfg.glibcLocales != null) "/lib/locale";
    systemd.globalEnvironment = lib.mkIf (cfg.glibcLocales != null) {
      LOCALE_ARCHIVE = "${cfg.glibcLocales}/lib/locale/locale-archive";
    };

    environment.etc."locale.conf".text = lib.concatStrings (
      lib.mapAttrsToList (name: value: "${name}=${value}\n") ({ LANG = cfg.defaultLocale; } // cfg.extraLocaleSettings)
    );
  };
}
