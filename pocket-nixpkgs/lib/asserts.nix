# Assertions with a message.
{ lib }:

rec {
  assertMsg = condition: message: if condition then true else throw message;
  assertOneOf = name: value: allowed:
    assertMsg (builtins.elem value allowed)
      "${name} must be one of ${lib.generators.toPretty { } allowed}, but is: ${lib.generators.toPretty { } value}";
  assertEachOneOf = name: values: allowed:
    assertMsg (lib.all (value: builtins.elem value allowed) values)
      "each element in ${name} must be one of ${lib.generators.toPretty { } allowed}, but is: ${lib.generators.toPretty { } values}";

  # Throws for failed assertions, warns, and gives the value: what a configuration's toplevel goes through.
  checkAssertWarn = assertions: warnings: value:
    let
      failed = map (assertion: assertion.message) (builtins.filter (assertion: !assertion.assertion) assertions);
    in
    if failed != [ ] then
      throw "\nFailed assertions:\n${lib.concatMapStringsSep "\n" (message: "- ${message}") failed}"
    else
      lib.showWarnings warnings value;
}
