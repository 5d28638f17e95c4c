import { Readable } from "node:stream";
import { execa } from "execa";
import type { CommandOptions, CommandRunner } from "../../../src/machine/index.ts";

/** Runs the commands of subjects in this host's bash: a guest without a boot. `path` goes before PATH. */
export function hostRunner({ path }: { readonly path?: string } = {}): CommandRunner {
  return {
    name: "host",
    timeoutScale: 1,
    signal: undefined,
    async execute(command, { stdin, environment, onOutput } = {}) {
      const argv = typeof command === "string" ? undefined : command;
      const [file = "", ...args] = argv ?? ["bash", "-c", `set -euo pipefail\n${command}`];
      const result = await execa(file, args, {
        reject: false,
        stripFinalNewline: false,
        env: { ...environment, PATH: [path, process.env["PATH"]].filter(Boolean).join(":") },
        ...(stdin === undefined ? {} : { input: input(stdin) }),
        ...(onOutput === undefined ? {} : { encoding: "buffer" }),
      });
      if (onOutput !== undefined) await onOutput("stdout", result.stdout as unknown as Uint8Array);
      const missing = result.code === "ENOENT";
      return {
        command: argv?.join(" ") ?? String(command),
        exitCode: missing ? 127 : result.exitCode,
        signal: result.signal,
        stdout: String(result.stdout ?? ""),
        stderr: String(result.stderr ?? ""),
        durationMs: result.durationMs,
        timedOut: false,
        truncated: false,
        failed: result.failed,
      };
    },
  };
}

function input(stdin: NonNullable<CommandOptions["stdin"]>): string | Uint8Array | Readable {
  return typeof stdin === "string" || stdin instanceof Uint8Array ? stdin : Readable.from(stdin);
}
