import { createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { cleanText } from "../console/index.ts";
import type { Machine } from "../machine/index.ts";
import { quoteWords } from "../shell-quote.ts";
import type { DrybootSettings } from "./settings.ts";

export interface PausedTest {
  /** The test with the suites around it. */
  readonly test: string;
  /** The first line of its error. */
  readonly title: string;
  readonly signal: AbortSignal;
  readonly write?: (text: string) => void;
}

/** The socket that `dryboot attach DIRECTORY` looks for. */
const socketName = "console";

/** Whether guests are to be kept at a failure: `dryboot test --pause`, or `DRYBOOT_PAUSE=1`. */
export function isPauseWanted({ pause }: Pick<DrybootSettings, "pause">): boolean {
  if (pause !== undefined) return pause;
  const wish = process.env["DRYBOOT_PAUSE"] ?? "";
  return wish !== "" && wish !== "0";
}

/**
 * Keeps the guests of a failed test until somebody who was at one of their consoles has left, they have ended, or the
 * run is interrupted.
 */
export async function pauseAtFailure(
  machines: readonly Machine[],
  { test, title, signal, write = (text) => void process.stderr.write(text) }: PausedTest,
): Promise<void> {
  if (isInterrupted(signal)) return;
  const servers: Server[] = [];
  let goOn = (): void => {};
  try {
    await new Promise<void>((resolve, reject) => {
      goOn = resolve;
      let attached = 0;
      const serve = (machine: Machine): void => {
        const server = createServer((terminal) => {
          attached += 1;
          void attachTo(machine, terminal).finally(() => {
            attached -= 1;
            if (attached === 0) resolve();
          });
        });
        server.on("error", reject);
        server.listen(join(machine.runDirectory, socketName));
        servers.push(server);
      };
      machines.forEach(serve);
      // A guest that was lost meanwhile has ended too.
      void Promise.allSettled(
        machines.map((machine) => machine.waitForShutdown({ timeoutMs: Infinity })),
      ).then(() => resolve());
      signal.addEventListener("abort", goOn, { once: true });
      process.once("SIGINT", goOn);
      write(invitation(machines, { test, title }));
    });
  } finally {
    signal.removeEventListener("abort", goOn);
    process.off("SIGINT", goOn);
    for (const server of servers) server.close();
  }
}

/** A test's own limit of time aborts its signal too, and then its guest is worth a look. */
function isInterrupted({ aborted, reason }: AbortSignal): boolean {
  return aborted && reason instanceof Error && reason.name === "TestRunAbortError";
}

async function attachTo(machine: Machine, terminal: Socket): Promise<void> {
  terminal.on("error", () => {});
  // The shell repeats its prompt.
  machine.console.send("\r");
  await machine.console.attach({ input: terminal, output: terminal });
  terminal.end();
}

function invitation(
  machines: readonly Machine[],
  { test, title }: Pick<PausedTest, "test" | "title">,
): string {
  const commands = machines.map(
    ({ name, runDirectory }) =>
      `  ${name}: ${quoteWords(["npx", "dryboot", "attach", runDirectory])}`,
  );
  return cleanText(
    [
      "",
      `Paused: ${test}`,
      `  ${title}`,
      `Its ${machines.length === 1 ? "guest is" : "guests are"} kept. In another terminal:`,
      ...commands,
      "Ctrl-] three times leaves the console and lets the run go on.",
      "",
    ].join("\n"),
  );
}
