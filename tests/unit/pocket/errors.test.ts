import { describe, expect, test } from "vitest";
import { failure } from "./evaluate.ts";

describe.concurrent("a mistake in a configuration is told as NixOS tells it", () => {
  test("an option that does not exist: where, what instead, and where all of them are", async () => {
    const message = await failure(
      '(nixos [ { _file = "/web.nix"; services.ngnix.enable = true; } ]).config.system.name',
    );
    expect(message).toContain(
      "The option `services.ngnix' does not exist. Definition values:\n- In `/web.nix': {",
    );
    expect(message).toContain("Did you mean `services.nginx'");
    expect(message).toContain("dryboot --nixpkgs PATH");
  });

  test("an option inside a virtual host that does not exist: its whole path", async () => {
    const message = await failure(
      '(nixos [ { services.nginx.virtualHosts.a.rot = "/x"; } ]).config.services.nginx.virtualHosts.a.root',
    );
    expect(message).toContain("The option `services.nginx.virtualHosts.a.rot' does not exist");
    expect(message).toContain("`services.nginx.virtualHosts.a.root'");
  });

  test("a module that the pocket lacks: that it does not exist, and the way to a real nixpkgs", async () => {
    const message = await failure(
      "(nixos [ { security.acme.acceptTerms = true; } ]).config.system.name",
    );
    expect(message).toContain("The option `security.acme' does not exist");
    expect(message).toContain("dryboot --nixpkgs PATH");
  });

  test("a value of the wrong type: the type and the definition", async () => {
    const message = await failure(
      '(nixos [ { _file = "/web.nix"; services.nginx.enable = "yes"; } ]).config.services.nginx.enable',
    );
    expect(message).toContain(
      "A definition for option `services.nginx.enable' is not of type `boolean'.",
    );
    expect(message).toContain('- In `/web.nix\': "yes"');
  });

  test("two definitions that contradict: both, and the way out", async () => {
    const message = await failure(
      '(nixos [ { _file = "/a.nix"; networking.hostName = "a"; } { _file = "/b.nix"; networking.hostName = "b"; } ]).config.networking.hostName',
    );
    expect(message).toContain(
      "The option `networking.hostName' has conflicting definition values:",
    );
    expect(message).toContain('- In `/a.nix\': "a"');
    expect(message).toContain('- In `/b.nix\': "b"');
    expect(message).toContain("lib.mkForce");
  });

  test("an option without a value: that it has none", async () => {
    const message = await failure("(nixos [ ]).config.location.latitude");
    expect(message).toContain(
      "The option `location.latitude' was accessed but has no value defined. Try setting the option.",
    );
  });
});
