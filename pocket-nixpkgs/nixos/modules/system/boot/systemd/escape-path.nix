# A path as the name of a unit: `/a/b-c` is mounted by `a-b\x2dc.mount`.
{ lib }:

path:
let
  trimmed = lib.removeSuffix "/" (lib.removePrefix "/" path);
in
if trimmed == "" then "-" else lib.replaceStrings [ "\\" "-" " " "/" ] [ "\\x5c" "\\x2d" "\\x20" "-" ] trimmed
