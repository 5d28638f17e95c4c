import { beforeAll, expect, test } from "vitest";
import { evaluate } from "./evaluate.ts";

let values: readonly unknown[];

beforeAll(async () => {
  values = await evaluate([
    `let services = (nixos [ ]).config.security.pam.services; in
     map (name: lib.hasInfix "/pam_systemd.so" services.\${name}.text) [ "login" "su-l" "runuser-l" "systemd-user" "su" "runuser" ]`,
    `lib.filterAttrs (old: new: lib.stringLength old != lib.stringLength new) (import (pocket + "/pkgs/relocations.nix"))`,
    `(nixos [
       { services.nginx.enable = true; }
       { services.nginx.virtualHosts.a = { forceSSL = true; sslCertificate = "/c"; sslCertificateKey = "/k"; }; }
     ]).config.services.nginx.virtualHosts.a.sslCertificate`,
    `map ({ path, value }: map
       (given: (builtins.tryEval (lib.getAttrFromPath path (nixos [ { networking.interfaces.lo = { }; } given ]).config)).success)
       [ { } (lib.setAttrByPath path value) ]
     ) [
       { path = [ "users" "users" "root" "expires" ]; value = "2030-01-01"; }
       { path = [ "users" "users" "root" "autoSubUidGidRange" ]; value = true; }
       { path = [ "security" "pam" "services" "login" "sshAgentAuth" ]; value = true; }
       { path = [ "boot" "hardwareScan" ]; value = false; }
       { path = [ "networking" "interfaces" "lo" "tempAddress" ]; value = "enabled"; }
     ]`,
  ]);
});

test("whoever logs in has a session with the manager of his units; runuser, and su without -l, stay in theirs", () => {
  expect(values[0]).toEqual([true, true, false, true, false, false]);
});

test("a path compiled into a program is replaced by one of the same length", () => {
  expect(values[1]).toEqual({});
});

test("a virtual host takes a certificate that is there already", () => {
  expect(values[2]).toBe("/c");
});

test("what a test could believe in and the pocket does not have is refused", () => {
  expect(values[3]).toEqual(Array.from({ length: 5 }, () => [true, false]));
});
