# A field of /etc/passwd or /etc/group.
{ lib }:

lib.types.addCheck lib.types.str (value: !lib.hasInfix ":" value && !lib.hasInfix "\n" value)
// {
  name = "passwdEntry";
  description = "string without colon and newline";
}
