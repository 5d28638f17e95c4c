# Functions about version strings.
{ lib }:

rec {
  splitVersion = builtins.splitVersion;
  inherit (builtins) compareVersions;
  major = version: builtins.elemAt (splitVersion version) 0;
  minor = version: builtins.elemAt (splitVersion version) 1;
  patch = version: builtins.elemAt (splitVersion version) 2;
  majorMinor = version: lib.concatStringsSep "." (lib.take 2 (splitVersion version));
  pad = count: version:
    let
      head = builtins.head (lib.splitString "-" version);
      suffix = lib.removePrefix head version;
      parts = lib.take count (splitVersion head);
      zeros = lib.replicate (count - builtins.length parts) "0";
    in
    lib.concatStringsSep "." (parts ++ lib.optionals (builtins.length parts < count) zeros) + suffix;
}
