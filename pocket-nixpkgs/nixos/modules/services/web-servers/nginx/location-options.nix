# Options of one location of a virtual host.
{ lib }:

let
  inherit (lib) mkOption types;
  text = description: mkOption { type = types.nullOr types.str; default = null; inherit description; };
in
{
  options = {
    root = mkOption { type = types.nullOr types.path; default = null; description = "The directory of files."; };
    alias = mkOption { type = types.nullOr types.path; default = null; description = "The directory that stands for the location."; };
    index = text "Files that stand for a directory.";
    tryFiles = text "Files to look for, in order.";
    proxyPass = text "The server that answers.";
    proxyWebsockets = mkOption { type = types.bool; default = false; description = "Whether WebSockets pass through."; };
    uwsgiPass = text "The uwsgi server that answers.";
    fastcgiParams = mkOption { type = types.attrsOf (types.either types.str types.path); default = { }; description = "FastCGI's parameters."; };
    return = mkOption { type = with types; nullOr (oneOf [ str int ]); default = null; description = "A status, and what goes with it."; };
    basicAuth = mkOption { type = types.attrsOf types.str; default = { }; description = "Names and passwords, readable in the store."; };
    basicAuthFile = mkOption { type = types.nullOr types.path; default = null; description = "A file of names and passwords."; };
    recommendedProxySettings = mkOption { type = types.nullOr types.bool; default = null; description = "Whether a proxy passes the usual headers; null for the server's setting."; };
    recommendedUwsgiSettings = mkOption { type = types.nullOr types.bool; default = null; description = "The same for uwsgi."; };
    extraConfig = mkOption { type = types.lines; default = ""; description = "Further lines."; };
    priority = mkOption { type = types.int; default = 1000; description = "The place among the locations, the lowest first."; };
  };
}
