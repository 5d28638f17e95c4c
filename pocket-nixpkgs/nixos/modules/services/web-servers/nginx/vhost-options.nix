# Options of one virtual host.
{ lib }:

let
  inherit (lib) mkOption types;
  port = description: mkOption { type = types.nullOr types.port; default = null; inherit description; };
  switch = default: description: mkOption { type = types.bool; inherit default description; };
in
{
  options = {
    serverName = mkOption { type = types.nullOr types.str; default = null; description = "The host's name; null for the attribute's."; };
    serverAliases = mkOption { type = types.listOf types.str; default = [ ]; description = "Further names."; };
    default = switch false "Whether it answers for names that no other host has.";
    listen = mkOption {
      type = types.listOf (types.submodule {
        options = {
          addr = mkOption { type = types.str; description = "The address."; };
          port = port "The port.";
          ssl = switch false "Whether it speaks TLS.";
          proxyProtocol = switch false "Whether it expects the PROXY protocol.";
          extraParameters = mkOption { type = types.listOf types.str; default = [ ]; description = "Further parameters."; };
        };
      });
      default = [ ];
      description = "Addresses and ports; none for the server's own.";
    };
    listenAddresses = mkOption { type = types.listOf types.str; default = [ ]; description = "Addresses, on the usual ports."; };
    addSSL = switch false "Whether it answers over TLS as well.";
    onlySSL = switch false "Whether it answers over TLS only.";
    forceSSL = switch false "Whether it sends everybody to TLS.";
    sslCertificate = mkOption { type = types.path; description = "The certificate."; };
    sslCertificateKey = mkOption { type = types.path; description = "Its key."; };
    http2 = switch true "Whether HTTP/2 is spoken over TLS.";
    root = mkOption { type = types.nullOr types.path; default = null; description = "The directory of files."; };
    globalRedirect = mkOption { type = types.nullOr types.str; default = null; description = "The host to which everything is redirected."; };
    redirectCode = mkOption { type = types.ints.between 300 399; default = 301; description = "The status of redirects."; };
    basicAuth = mkOption { type = types.attrsOf types.str; default = { }; description = "Names and passwords, readable in the store."; };
    basicAuthFile = mkOption { type = types.nullOr types.path; default = null; description = "A file of names and passwords."; };
    locations = mkOption {
      type = types.attrsOf (types.submodule (import ./location-options.nix { inherit lib; }));
      default = { };
      description = "Locations.";
    };
    extraConfig = mkOption { type = types.lines; default = ""; description = "Further lines."; };
  };
}
