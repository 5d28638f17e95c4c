import { spawn } from "node:child_process";
import { userInfo } from "node:os";
import { afterAll, expect, test } from "vitest";
import { observeUntil, Process } from "../../../../src/machine/index.ts";
import { parseProcesses } from "../../../../src/machine/subjects/process.ts";
import { hostRunner } from "../host-runner.ts";

const host = hostRunner();
const argument = `two words\nand a line ${process.pid}`;
const sleeper = spawn("sleep", ["1000"], { argv0: argument });
afterAll(() => sleeper.kill());

test("a process is found by its kernel's name, its user and its whole command line", async () => {
  const found = new Process(host, "sleep", { commandLine: `${argument} 1000` });
  expect(await observeUntil(found.running({ count: 1 }))).toMatchObject({ pass: true });
  const { username: user } = userInfo();
  expect(await found.entries()).toEqual([
    { pid: sleeper.pid, name: "sleep", user, commandLine: [argument, "1000"] },
  ]);
  const other = new Process(host, "sleep", { commandLine: argument, user: "nobody" });
  const { message } = await observeUntil(other.running(), { timeoutMs: 0 });
  expect(message).toMatch(
    /expected to be running as nobody with the command line ".*", but none of the \d+ processes of that name is so \(/,
  );
});

const status = (pid: number, name: string, state = "S (sleeping)"): string =>
  `/proc/${pid}/status:Name:\t${name}
/proc/${pid}/status:State:\t${state}
/proc/${pid}/status:Uid:\t0\t0\t0\t0
`;

test("zombies do not run, and threads of the kernel have no command line", () => {
  const text = `root:0\n=\n${status(2, "kthreadd")}${status(7, "gone", "Z (zombie)")}=\n`;
  expect(parseProcesses(text)).toEqual([
    { pid: 2, name: "kthreadd", user: "root", commandLine: [] },
  ]);
});
