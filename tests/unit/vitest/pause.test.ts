import { existsSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Machine } from "../../../src/machine/index.ts";
import { pauseAtFailure } from "../../../src/vitest/pause.ts";

let machine: Machine;
beforeAll(async () => {
  machine = await Machine.start({
    name: "fake",
    runScript: fileURLToPath(new URL("../../fixtures/run-scripts/fake-guest.sh", import.meta.url)),
    accelerator: { name: "tcg", qemuArguments: [], kernelParameters: [], timeoutScale: 1 },
    lane: false,
  });
});
afterAll(() => machine[Symbol.asyncDispose]());

/** As vitest's runner has it. */
const runAborted = Object.assign(new Error("The test run was aborted by the user."), {
  name: "TestRunAbortError",
});

/** Pauses; `invited` resolves with what the user is told. */
function pause(signal: AbortSignal) {
  let write = (_text: string): void => {};
  const invited = new Promise<string>((resolve) => (write = resolve));
  const ended = pauseAtFailure([machine], { test: "a test", title: "why", signal, write });
  return { invited, ended };
}

const console = (): string => join(machine.runDirectory, "console");

test("a run that was interrupted before is not paused", async () => {
  const { invited, ended } = pause(AbortSignal.abort(runAborted));
  expect(await Promise.race([ended, invited])).toBeUndefined();
  expect(existsSync(console())).toBe(false);
});

test("a pause ends when the run is interrupted", async () => {
  const run = new AbortController();
  const { invited, ended } = pause(run.signal);
  expect(await invited).toContain("Paused: a test\n  why\n");
  run.abort(runAborted);
  await ended;
});

test("a test that ran out of time is paused, until somebody at its console has left", async () => {
  const { invited, ended } = pause(AbortSignal.abort(new Error("Test timed out in 500ms.")));
  expect(await invited).toContain(`attach ${machine.runDirectory}`);
  const terminal = connect(console());
  await once(terminal, "connect");
  terminal.write("\x1d\x1d\x1d");
  await ended;
  terminal.destroy();
});
