import { execFileSync, spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { composeForAgent } from "../../../src/guest/plain-command.ts";

const shellNeeded = [
  "a | b",
  "echo $HOME",
  "echo *",
  "echo 'a b'",
  "FOO=bar env",
  "cd /",
  "if true",
  "! true",
  "exit",
  "exit 1 2",
  "time ls",
  "kill %1",
  "echo a\necho b",
  "echo ~",
];

test.for(shellNeeded)("%s is left to a shell of its own", (command) => {
  expect(composeForAgent({ command })).toMatch(/^exec bash -c /);
});

test("plain words with an environment, a directory or a user are not taken as plain", () => {
  for (const more of [{ environment: { A: "1" } }, { cwd: "/" }, { user: "nobody" }]) {
    expect(composeForAgent({ command: "true", ...more })).not.toBe("true");
  }
});

test.for([
  "true",
  "echo -n a",
  "exit 9",
  "ls /nowhere",
  "nowhere",
  "/nowhere/at/all",
  "test 1 = 2",
])("%s does the same evaluated in place as in a shell of its own", (command) => {
  const results = [composeForAgent({ command }), `bash -c '${command}'`].map((text) => {
    const { status, stdout } = spawnSync("bash", ["-c", `eval "$1"`, "bash", text]);
    return [status, stdout.toString()];
  });
  expect(results[0]).toEqual(results[1]);
  expect(execFileSync("bash", ["-n", "-c", composeForAgent({ command })])).toHaveLength(0);
});
