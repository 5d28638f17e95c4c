import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { InterruptedError } from "../errors.ts";
import { Machine, type SavedGuest, type StartOptions } from "../machine/index.ts";
import {
  checkpointRoomBytes,
  findCheckpoint,
  forgetCheckpoint,
  guestSizeOf,
  storeCheckpoint,
} from "../qemu/index.ts";
import { checkpointKey } from "./checkpoint-key.ts";

// A restored guest answers within a second or two; what takes longer is not the faster way.
const restoreMs = 15_000;
// What is not there by then may not be for minutes, and tests wait for what they need.
const settleMs = 5000;
const savedFile = "saved.json";
// Of a disk, that checkpoints leave free.
const spareBytes = 1024 ** 3;

export interface WarmStartOptions {
  /** The program that the run script starts. */
  readonly qemu: string;
  /** Boots all the same, and leaves a checkpoint in place of the earlier one. @default false */
  readonly renew?: boolean;
}

/**
 * Goes on from the checkpoint that an earlier start has left, or else boots and leaves one.
 * @throws as {@link Machine.start} does
 */
export async function startWarm(
  options: StartOptions,
  { qemu, renew = false }: WarmStartOptions,
): Promise<Machine> {
  const { name, onNotice = () => {} } = options;
  const key = await checkpointKey(options, qemu);
  const found = renew ? undefined : await findCheckpoint(key);
  if (found !== undefined) {
    try {
      return await restore(options, found);
    } catch (error) {
      if (error instanceof InterruptedError) throw error;
      await forgetCheckpoint(key);
      const reason = reasonOf(error).replace(`${name}: `, "");
      onNotice(`${name}: its checkpoint is of no use, and it boots: ${reason}`);
    }
  }
  const machine = await Machine.start(options);
  // Over the console its shell is never free.
  if (machine.commandWay.kind === "lane")
    await leaveCheckpoint(machine, options, { key, replaces: renew });
  return machine;
}

async function restore(options: StartOptions, directory: string): Promise<Machine> {
  const { accelerator, onProgress } = options;
  onProgress?.({ phase: "restore" });
  const text = await readFile(join(directory, savedFile), "utf8");
  const saved: SavedGuest = { ...JSON.parse(text), directory };
  return Machine.start({
    ...options,
    restores: saved,
    restoreTimeoutMs: restoreMs * accelerator.timeoutScale,
  });
}

/** Where that cannot be done, later starts boot as this one did. */
async function leaveCheckpoint(
  machine: Machine,
  options: StartOptions,
  { key, replaces }: { readonly key: string; readonly replaces: boolean },
): Promise<void> {
  const { name, runScript, memoryMiB, accelerator, onProgress, onNotice = () => {} } = options;
  try {
    onProgress?.({ phase: "checkpoint" });
    const needed = (memoryMiB ?? (await guestSizeOf(runScript)).memoryMiB) * 1024 ** 2;
    if ((await checkpointRoomBytes()) < needed + spareBytes) return;
    await machine.requireSavable();
    const timeoutMs = settleMs * accelerator.timeoutScale;
    await machine.execute(["systemctl", "is-system-running", "--wait"], { timeoutMs });
    const save = async (into: string): Promise<void> => {
      const { directory: _, ...saved } = await machine.saveTo(into);
      await writeFile(join(into, savedFile), JSON.stringify(saved));
    };
    await storeCheckpoint({ key, name }, save, { replaces });
  } catch (error) {
    if (options.signal?.aborted) {
      await machine[Symbol.asyncDispose]();
      throw error;
    }
    const reason = reasonOf(error);
    // A guest that is lost says so to whoever uses it.
    if (machine.isUp && !said.has(reason)) onNotice(`${reason}: each start is a boot`);
    said.add(reason);
  }
}

/** Once in a process. */
const said = new Set<string>();

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
