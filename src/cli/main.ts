import { run } from "./program.ts";
import { watchSignals } from "./signals.ts";

// A reader that went away (`dryboot list | head -1`) is no failure of what was asked.
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
  });
}

const interruption = watchSignals((exitCode) => {
  process.stderr.write("forced to end: what is still running is ended behind dryboot\n");
  process.exit(exitCode);
});

const exitCode = await run(process.argv.slice(2), {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  environment: process.env,
  cwd: process.cwd(),
  signal: interruption.signal,
  program: process.argv.slice(0, 2),
});

process.exit(exitCode === 130 ? (interruption.exitCode() ?? exitCode) : exitCode);
