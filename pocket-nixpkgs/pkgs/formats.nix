# Settings written as files, in the formats that modules use most: each has a `type` and a `generate`.
{ pkgs, lib }:

let
  inherit (lib) types;
  value = types.nullOr (types.oneOf [ types.bool types.int types.float types.str types.path (types.attrsOf value) (types.listOf value) ]) // {
    description = "JSON value";
  };
  atom = types.nullOr (types.oneOf [ types.bool types.int types.float types.str ]);
  json = {
    type = value;
    generate = name: settings:
      pkgs.runCommandLocal name { settings = builtins.toJSON settings; passAsFile = [ "settings" ]; nativeBuildInputs = [ pkgs.jq ]; } ''jq . "$settingsPath" > $out'';
  };
in
{
  formats = {
    json = _: json;
    # JSON is YAML.
    yaml = _: json;
    keyValue = { mkKeyValue ? lib.generators.mkKeyValueDefault { } "=", listsAsDuplicateKeys ? false, ... }: {
      type = types.attrsOf (if listsAsDuplicateKeys then types.either atom (types.listOf atom) else atom);
      generate = name: settings: pkgs.writeText name (lib.generators.toKeyValue { inherit mkKeyValue listsAsDuplicateKeys; } settings);
    };
    ini = { mkKeyValue ? lib.generators.mkKeyValueDefault { } "=", listsAsDuplicateKeys ? false, ... }: {
      type = types.attrsOf (types.attrsOf (if listsAsDuplicateKeys then types.either atom (types.listOf atom) else atom));
      generate = name: settings: pkgs.writeText name (lib.generators.toINI { inherit mkKeyValue listsAsDuplicateKeys; } settings);
    };
  };
}
