import { mkdtempSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { buildFailure, evaluationFailure } from "../../../src/nix/nix-failure.ts";
import { createNixLog, type NixLog } from "../../../src/nix/nix-log.ts";

const context = { machine: "web", cwd: "/srv", repeat: "nix-build again" };

/** What Nix 2.8 wrote to standard error with `--log-format internal-json`. */
function recorded(name: string): NixLog {
  const log = createNixLog("build");
  const file = new URL(`../../fixtures/nix-logs/${name}.log`, import.meta.url);
  for (const line of readFileSync(file, "utf8").split("\n")) log.push(line);
  return log;
}

test.for([
  ["unknown", "web: the option `services.ngnix' defined in `machines/unknown.nix' does not exist"],
  ["syntax", "web: syntax error, unexpected '=', expecting ';' (machines/syntax.nix:2)"],
  [
    "assertion",
    "web: failed assertion: The ‘fileSystems’ option does not specify your root file system. (and 1 more)",
  ],
  ["attr", "web: attribute 'nonexist' missing (machines/attr.nix:1)"],
  ["missing-import", "web: getting status of 'machines/missing.nix': No such file or directory"],
  [
    "type",
    "web: the option value `networking.hostName' in `machines/type.nix' is not of type `string'",
  ],
  ["throw", "web: no name yet"],
  ["undef", "web: undefined variable 'undefinedVariable' (machines/undef.nix:1)"],
] as const)("an evaluation that fails (%s) has one line that stands alone", ([name, message]) => {
  const error = evaluationFailure(recorded(name), context);
  expect(error).toMatchObject({ code: "NIX_EVALUATION", exitCode: 3, message });
  expect(error.hint).toContain("nix-build again");
});

test("a failing build names the derivation and shows the end of its builder's log", () => {
  const error = buildFailure(recorded("build-fails"), context);
  expect(error).toMatchObject({
    code: "NIX_BUILD",
    message: "web: building bad failed with exit code 3",
  });
  expect(error.details).toContain('nginx: [emerg] unknown directive "bogus"');
});

test("a builder that failed during evaluation is a build failure", () => {
  expect(evaluationFailure(recorded("build-fails"), context).code).toBe("NIX_BUILD");
});

test("a full disk is this host's failure and not the machine's", () => {
  expect(buildFailure(recorded("disk-full"), context)).toMatchObject({
    code: "HOST_RESOURCES",
    exitCode: 5,
  });
});

test.for([
  [
    "The option `services.ngnix' does not exist. Definition values:\n- In `/srv/machines/web.nix':\n    {\n      enable = true;\n    }\n\nDid you mean `services.nginx', `services.znc' or `services.nix-serve'?",
    "web: the option `services.ngnix' does not exist. Did you mean `services.nginx', `services.znc' or `services.nix-serve'? (machines/web.nix)",
  ],
  [
    "A definition for option `networking.hostName' is not of type `string'. Definition values:\n- In `/srv/machines/web.nix': 5",
    "web: A definition for option `networking.hostName' is not of type `string' (machines/web.nix)",
  ],
])("newer messages of the module system are told in one line", ([text, message]) => {
  const log = createNixLog("evaluate");
  log.push(`@nix ${JSON.stringify({ action: "msg", level: 0, msg: text, raw_msg: text })}`);
  expect(evaluationFailure(log, context).message).toBe(message);
});

test("a newer Nix's words for a failing builder are understood", () => {
  const text =
    "Cannot build '/nix/store/6rh3sicp6c3ss426mxlklnhh3wwgx42a-full.drv'.\nReason: builder failed with exit code 1.\nOutput paths:\n  /nix/store/x-full";
  const log = createNixLog("build");
  log.push(`@nix ${JSON.stringify({ action: "msg", level: 0, msg: text, raw_msg: text })}`);
  expect(buildFailure(log, context).message).toBe("web: building full failed with exit code 1");
});

test.for([
  "getting status of '/nix/store/as9j98hzjk8nbdbzc76iilm9hgflgm7k-source/hosts/gamma': No such file or directory",
  "path '/nix/store/as9j98hzjk8nbdbzc76iilm9hgflgm7k-source/hosts/gamma' does not exist",
])(
  "a file that a flake lacks because Git does not know it is named, with the way out: %s",
  (msg) => {
    const cwd = mkdtempSync(join(tmpdir(), "dryboot-test-"));
    const log = createNixLog("evaluate");
    log.push(`@nix ${JSON.stringify({ action: "msg", level: 0, msg: `error: ${msg}` })}`);
    try {
      expect(evaluationFailure(log, { ...context, cwd }).hint).toContain("nix-build again");
      mkdirSync(join(cwd, "hosts/gamma"), { recursive: true });
      expect(evaluationFailure(log, { ...context, cwd })).toMatchObject({
        message: "web: hosts/gamma is here, but not in the flake",
        hint: "A flake has only files that Git knows: git add hosts/gamma",
      });
    } finally {
      rmSync(cwd, { recursive: true });
    }
  },
);

test("what Nix said is not said twice", () => {
  const log = createNixLog("evaluate");
  log.push(`@nix ${JSON.stringify({ action: "msg", level: 0, msg: "error: no name yet" })}`);
  expect(evaluationFailure(log, context)).toMatchObject({
    message: "web: no name yet",
    details: [],
  });
});
