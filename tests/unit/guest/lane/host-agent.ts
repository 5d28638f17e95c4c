import { spawn, type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { laneAgentProgram } from "../../../../src/guest/lane/agent.ts";
import type { LaneSockets } from "../../../../src/guest/lane/connect.ts";
import { LaneChannel, type LaneOptions } from "../../../../src/guest/lane/lane.ts";
import { slotCount } from "../../../../src/guest/lane/ports.ts";

export interface HostAgent extends AsyncDisposable {
  readonly lane: LaneChannel;
  readonly sockets: LaneSockets;
  readonly process: ChildProcess;
  readonly directory: string;
}

/** The real agent under this host's bash; socket pairs stand for the guest's ports. */
export async function startHostAgent(
  options: Partial<LaneOptions> = {},
  environment: Readonly<Record<string, string>> = {},
): Promise<HostAgent> {
  const directory = await mkdtemp(join(tmpdir(), "lane-test-"));
  const key = randomBytes(16).toString("hex");
  const program = join(directory, "program");
  await writeFile(program, laneAgentProgram());
  const names = [
    "control",
    ...Array.from({ length: slotCount }, (_, slot) => [`${slot}.out`, `${slot}.err`]).flat(),
  ];
  // From 20 on, out of the way of the agent's own.
  const stdio = ["ignore" as const, "ignore" as const, "ignore" as const];
  const child = spawn(
    "bash",
    [program, key, join(directory, "home"), ...names.map((name, index) => `${name}=${index + 20}`)],
    {
      stdio: [
        ...stdio,
        ...Array.from({ length: 17 }, () => "ignore" as const),
        ...names.map(() => "pipe" as const),
      ],
      env: { PATH: process.env["PATH"], HOME: directory, ...environment },
      detached: true,
    },
  );
  const socket = (index: number): Socket => {
    const found = child.stdio[index + 20];
    if (!(found instanceof Socket)) throw new TypeError("no socket");
    return found;
  };
  const sockets: LaneSockets = {
    control: socket(0),
    slots: Array.from({ length: slotCount }, (_, slot) => ({
      out: socket(1 + slot * 2),
      err: socket(2 + slot * 2),
    })),
  };
  const lane = new LaneChannel(sockets, { key, ...options });
  await lane.greeted;
  return {
    lane,
    sockets,
    process: child,
    directory,
    async [Symbol.asyncDispose]() {
      await lane[Symbol.asyncDispose]();
      child.kill("SIGKILL");
      await rm(directory, { recursive: true, force: true });
    },
  };
}
