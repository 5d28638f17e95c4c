import { execa } from "execa";
import type { CommandRunner } from "../../../src/machine/index.ts";

/** Runs the commands of subjects in this host's bash: a guest without a boot. `path` goes before PATH. */
export function hostRunner({ path }: { readonly path?: string } = {}): CommandRunner {
  return {
    name: "host",
    timeoutScale: 1,
    signal: undefined,
    async execute(command, { stdin, environment } = {}) {
      const argv = typeof command === "string" ? undefined : command;
      const [file = "", ...args] = argv ?? ["bash", "-c", `set -euo pipefail\n${command}`];
      const result = await execa(file, args, {
        reject: false,
        stripFinalNewline: false,
        env: { ...environment, PATH: [path, process.env["PATH"]].filter(Boolean).join(":") },
        ...(stdin === undefined ? {} : { input: stdin }),
      });
      const missing = result.code === "ENOENT";
      return {
        command: argv?.join(" ") ?? String(command),
        exitCode: missing ? 127 : result.exitCode,
        signal: result.signal,
        stdout: result.stdout ?? "",
        stderr: result.stderr ?? "",
        durationMs: result.durationMs,
        timedOut: false,
        truncated: false,
        failed: result.failed,
      };
    },
  };
}
