import { PassThrough } from "node:stream";
import type { Io } from "../../../src/cli/io.ts";
import { run } from "../../../src/cli/program.ts";

export interface Captured {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command line in this process, without a terminal. */
export async function runCli(argv: readonly string[], more: Partial<Io> = {}): Promise<Captured> {
  const [stdout, stderr] = [capture(), capture()];
  const exitCode = await run(argv, {
    stdin: new PassThrough(),
    stdout: stdout.stream,
    stderr: stderr.stream,
    environment: {},
    cwd: "/",
    signal: new AbortController().signal,
    program: ["/usr/bin/node", "/usr/bin/dryboot"],
    ...more,
  });
  return { exitCode, stdout: stdout.text(), stderr: stderr.text() };
}

export function capture(properties: { readonly isTTY?: boolean; readonly columns?: number } = {}): {
  readonly stream: PassThrough & { readonly isTTY?: boolean; readonly columns?: number };
  text(): string;
} {
  const chunks: Buffer[] = [];
  const stream = Object.assign(new PassThrough(), properties);
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  return { stream, text: () => Buffer.concat(chunks).toString() };
}
