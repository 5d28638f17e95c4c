import { createHash } from "node:crypto";
import { realpath, stat } from "node:fs/promises";
import { execa } from "execa";
import { hostBootId } from "../host-boot.ts";
import { agentVersion, type StartOptions } from "../machine/index.ts";

// Of the files of a checkpoint.
const version = 3;

/**
 * Names all that a saved guest depends on: QEMU restores a guest only into the same devices, and a guest of another vm is
 * another guest. With the host's next boot another kernel or processor may be there.
 * @param qemu the program that the run script starts
 */
export async function checkpointKey(
  { name, runScript, accelerator, memoryMiB, cores, network, kernelParameters }: StartOptions,
  qemu: string,
): Promise<string> {
  const { stdout } = await execa(qemu, ["--version"], { stdin: "ignore" });
  const script = await realpath(runScript);
  // In the store it never changes; elsewhere somebody is at work on it.
  const { mtimeMs } = await stat(script);
  const settings = Object.entries(process.env).filter(([variable]) => variable.startsWith("QEMU_"));
  const parts = [
    version,
    agentVersion(),
    hostBootId(),
    stdout,
    name,
    [script, mtimeMs],
    [accelerator.qemuArguments, accelerator.kernelParameters],
    [memoryMiB, cores, network, kernelParameters],
    settings.toSorted(([one], [other]) => (one < other ? -1 : 1)),
  ];
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 32);
}
