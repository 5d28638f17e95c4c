import type { Exit } from "./transport.ts";

/** How QEMU ended, in words. */
export interface End {
  readonly message: string;
  readonly hint?: string;
}

export const wantedEnd: End = { message: "the guest has ended" };

const sigkill = 9;

export function describeEndOfQemu({ exitCode, signal }: Exit, words: readonly string[]): End {
  const how = signal === undefined ? `exit code ${exitCode}` : `signal ${signal}`;
  // Who is killed says nothing more: what stands there last is the guest's.
  const said = words.findLast((line) => /qemu|error|failed|cannot/i.test(line));
  const last = said ?? (signal === undefined ? words.at(-1) : undefined);
  const message = `QEMU ended with ${how}${last === undefined ? ", without a word" : `: ${last.trim()}`}`;
  return signal === sigkill ? { message, hint: killedHint } : { message };
}

const killedHint =
  "Somebody killed it: mostly this host's kernel, short of memory (dmesg says so); give the guest less (--memory).";
