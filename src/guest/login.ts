import { randomBytes } from "node:crypto";
import type { Console } from "../console/index.ts";
import { Deadline, formatMs } from "../deadline.ts";
import { ConsoleTimeoutError, GuestLostError } from "../errors.ts";

export interface LoginOptions {
  readonly deadline: Deadline;
  /** Where the search for a prompt begins: behind the previous boot. @default the console's start */
  readonly since?: number;
  readonly signal?: AbortSignal;
}

// A prompt is not complete until it has stood for a while: `login: ` may go on with
// `root (automatic login)`.
const settleMs = 150;
const loginSettleMs = 1500;
// How long a shell may need to answer before it is asked again.
const patienceMs = 2000;

/** `[root@nixos:~]# `, `root@host:~# `, `bash-5.2$ `, `# `: the last thing on the console. */
const shellPrompt = /(?:^|\n)[^\n]{0,200}(?<![:.\]] )[#$%>❯] $/u;
const loginPrompt = /(?:^|\n)[^\n]{0,100}\blogin: $/;
const passwordPrompt = /(?:^|\n)\s*[Pp]assword: $/;
const autologin = /login: [^\n]*\(automatic login\)/;
const refused = /Login incorrect/;

const remedy =
  'Give the machine a root shell on ttyS0, as vm.nix does: services.getty.autologinUser = "root"';

/**
 * Waits through the boot until a root shell at the console reads commands. Types nothing before a
 * prompt was seen: a boot loader or stage 1 would take it.
 * @returns the mark from which on dryboot itself was at the keyboard
 * @throws GuestLostError when the guest is lost, asks for a password, or has no prompt in time
 */
export async function login(
  console: Console,
  { deadline, since = 0, signal }: LoginOptions,
): Promise<number> {
  let from = since;
  let typingFrom: number | undefined;
  const options = { deadline, phase: "the boot", ...(signal === undefined ? {} : { signal }) };
  const named = new Set<string>();
  for (;;) {
    const seen = await console
      .expect([autologin, shellPrompt, loginPrompt, passwordPrompt, refused], {
        ...options,
        since: from,
      })
      .catch((error: unknown) => {
        throw notInTime(error, console, deadline);
      });
    const settled = await settles(console, seen.index === 2 ? loginSettleMs : settleMs, deadline);
    if (seen.index === 0 || seen.index === 1) {
      if (seen.index === 1 && !settled) continue;
      typingFrom ??= console.mark();
      if (await answers(console, options)) {
        console.markBooted();
        return typingFrom;
      }
      from = console.mark();
    } else if (seen.index === 4) {
      throw cannotLogIn(console, "the console refused root without a password");
    } else if (settled) {
      // An account without a password may still ask for one.
      const text = seen.index === 2 ? "root" : "";
      if (named.has(text)) throw cannotLogIn(console, "the console asks for root's password");
      named.add(text);
      from = console.mark();
      console.sendLine(text);
    }
  }
}

/** Whether nothing more is printed for a while. */
async function settles(console: Console, ms: number, deadline: Deadline): Promise<boolean> {
  const before = console.mark();
  await deadline.sleep(ms);
  return console.mark() === before;
}

/** Lets the shell say a word that was not typed as such; asks again while it starts. */
async function answers(
  console: Console,
  { deadline, signal }: { readonly deadline: Deadline; readonly signal?: AbortSignal },
): Promise<boolean> {
  const since = console.mark();
  const word = randomBytes(4).toString("hex");
  const patterns = [`dryboot-${word}`, loginPrompt, passwordPrompt];
  while (!deadline.expired) {
    console.sendLine(` echo dry''boot-${word}`);
    const limit = deadline.orAfter(patienceMs);
    const answer = await console
      .expect(patterns, { deadline: limit, since, ...(signal === undefined ? {} : { signal }) })
      .catch((error: unknown) => {
        if (error instanceof ConsoleTimeoutError) return undefined;
        throw error;
      });
    if (answer !== undefined) return answer.index === 0;
  }
  return false;
}

function notInTime(error: unknown, console: Console, deadline: Deadline): unknown {
  if (!(error instanceof ConsoleTimeoutError)) return error;
  const last = console.transcript.tail(1)[0];
  return new GuestLostError(
    `the guest showed no root prompt within ${formatMs(deadline.totalMs)}${
      last === undefined ? " and printed nothing at all" : `; its last line is: ${last.trim()}`
    }`,
    { code: "BOOT_TIMEOUT", cause: error, details: console.transcript.tail(), hint: slowBoot },
  );
}

const slowBoot =
  "A slow host needs more time (--timeout); a guest that prints nothing may lack console=ttyS0.";

function cannotLogIn(console: Console, message: string): GuestLostError {
  return new GuestLostError(`${message}, and dryboot has none to give`, {
    code: "BOOT_FAILED",
    details: console.transcript.tail(),
    hint: remedy,
  });
}
