# Certificates that programs trust.
{ config, lib, pkgs, ... }:

let
  inherit (lib) mkOption types;

  cfg = config.security.pki;

  bundle = pkgs.runCommand "ca-certificates.crt" { preferLocalBuild = true; } ''
    cat ${lib.escapeShellArgs (map toString files)} > $out
  '';
  files = cfg.certificateFiles ++ [ (pkgs.writeText "extra-ca-certificates.crt" (lib.concatMapStrings (certificate: certificate + "\n") cfg.certificates)) ];
in
{
  options.security.pki = {
    installCACerts = mkOption { type = types.bool; default = true; description = "Whether the usual authorities are trusted."; };
    certificateFiles = mkOption { type = types.listOf types.path; default = [ ]; description = "Files of certificates."; };
    certificates = mkOption { type = types.listOf types.str; default = [ ]; description = "Certificates as text."; };
    caCertificateBlacklist = mkOption { type = types.listOf types.str; default = [ ]; description = "Authorities that are not trusted."; };
    caBundle = mkOption { type = types.path; readOnly = true; default = bundle; description = "All of them in one file."; };
  };

  config = {
    assertions = [
      {
        assertion = cfg.caCertificateBlacklist == [ ];
        message = "The pocket takes its authorities from the host's distribution as they are; security.pki.caCertificateBlacklist needs a real nixpkgs.";
      }
    ];
    security.pki.certificateFiles = lib.optional cfg.installCACerts "${pkgs.cacert}/etc/ssl/certs/ca-bundle.crt";
    environment.etc = lib.genAttrs [ "ssl/certs/ca-certificates.crt" "ssl/certs/ca-bundle.crt" "pki/tls/certs/ca-bundle.crt" ] (_: { source = bundle; });
    environment.sessionVariables.NIX_SSL_CERT_FILE = lib.mkDefault "/etc/ssl/certs/ca-certificates.crt";
    environment.sessionVariables.SSL_CERT_FILE = lib.mkDefault "/etc/ssl/certs/ca-certificates.crt";
  };
}
