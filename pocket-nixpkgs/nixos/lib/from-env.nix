# The value of an environment variable, as a path, or a default where it is not set.
name: default:
let
  value = builtins.getEnv name;
in
if value == "" then default else /. + value
