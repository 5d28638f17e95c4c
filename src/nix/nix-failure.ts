import { relative } from "node:path";
import { HostError, NixError, type DrybootError } from "../errors.ts";
import { quoteWords } from "../shell-quote.ts";
import { originalOf } from "./flake-copy.ts";
import { storeName, type NixLog, type NixMessage } from "./nix-log.ts";

const shownLines = 25;

export interface FailureContext {
  /** The machine's name. */
  readonly machine: string;
  readonly cwd: string;
  /** Shows the whole of what Nix said, trace included. */
  readonly verbose?: boolean;
  /** The command that repeats it by hand. */
  readonly repeat: string;
}

/** The error for an evaluation that failed: one line that stands alone, then what Nix said. */
export function evaluationFailure(log: NixLog, context: FailureContext): DrybootError {
  const why = essence(log.errors.at(-1), context.cwd);
  return (
    hostFailure(log) ??
    // An evaluation may need something built first (import from derivation).
    builderFailure(log, context) ??
    untrackedFile(log, context) ??
    new NixError(`${context.machine}: ${why}`, {
      code: "NIX_EVALUATION",
      details:
        context.verbose === true
          ? log.errors.flatMap(({ whole }) => whole.split("\n"))
          : meaningfulLines(log).filter((line, _, all) => all.length > 1 || line !== why),
      hint: `Repeat it by hand: ${context.repeat}`,
    })
  );
}

/** The error for a build that failed: which derivation, and the end of its builder's log. */
export function buildFailure(log: NixLog, context: FailureContext): DrybootError {
  return (
    hostFailure(log) ??
    builderFailure(log, context) ??
    new NixError(
      `${context.machine}: Nix could not build it: ${essence(log.errors.at(-1), context.cwd)}`,
      {
        code: "NIX_BUILD",
        details: meaningfulLines(log),
        hint: `Repeat it by hand: ${context.repeat}`,
      },
    )
  );
}

// Nix says it in its own words, older and newer.
const builderFailed = [
  /builder for '(?<derivation>[^']+\.drv)' failed (?<how>with exit code \d+|due to signal \d+[^;\n]*)/,
  /Cannot build '(?<derivation>[^']+\.drv)'\.\s*Reason: builder failed (?<how>with exit code \d+|due to signal \d+[^.\n]*)/,
  /(?<how>hash mismatch) in fixed-output derivation '(?<derivation>[^']+\.drv)'/,
];

function builderFailure(log: NixLog, context: FailureContext): NixError | undefined {
  for (const { text } of log.errors) {
    const groups = builderFailed.map((pattern) => pattern.exec(text)?.groups).find(Boolean);
    const derivation = groups?.["derivation"];
    if (derivation === undefined) continue;
    const last = log.builderLog(derivation).slice(-shownLines);
    return new NixError(
      `${context.machine}: building ${storeName(derivation)} failed ${groups?.["how"] ?? ""}`.replace(
        "failed hash mismatch",
        "failed: hash mismatch",
      ),
      {
        code: "NIX_BUILD",
        details: last.length > 0 ? last : lines(text),
        hint: `Repeat it by hand: ${context.repeat}`,
      },
    );
  }
  return undefined;
}

// Older and newer Nix.
const missingFile = /getting status of '([^']+)': No such file|path '([^']+)' does not exist/;

/** A flake in a Git repository is a copy of what Git knows; a new file is not in it. */
function untrackedFile(log: NixLog, { machine, cwd }: FailureContext): NixError | undefined {
  for (const { text } of log.errors) {
    const [, older, newer] = missingFile.exec(text) ?? [];
    const path = originalOf(older ?? newer ?? "", cwd);
    if (path === undefined) continue;
    return new NixError(`${machine}: ${path} is here, but not in the flake`, {
      code: "NIX_EVALUATION",
      details: meaningfulLines(log),
      hint: `A flake has only files that Git knows: ${quoteWords(["git", "add", path])}`,
    });
  }
  return undefined;
}

/** Failures that are this host's and not the machine's. */
const hostFailures: readonly {
  readonly pattern: RegExp;
  readonly code: HostError["code"];
  readonly message: string;
  readonly hint: string;
}[] = [
  {
    pattern: /No space left on device|database or disk is full/,
    code: "HOST_RESOURCES",
    message: "the disk is full: Nix has no space left for what it builds",
    hint: 'nix-collect-garbage frees what nothing needs any more; df -h /nix "$TMPDIR" shows which disk',
  },
  {
    pattern: /Cannot allocate memory/,
    code: "HOST_RESOURCES",
    message: "this host has too little memory for Nix",
    hint: "End other programs, or give it more memory",
  },
  {
    pattern: /cannot connect to (daemon|socket) at '[^']*'/,
    code: "NIX_MISSING",
    message: "the Nix daemon does not answer",
    hint: "systemctl start nix-daemon.socket",
  },
  {
    pattern:
      /(opening|creating|changing)[^']*'\/nix\/[^']*': (Permission denied|Read-only file system)/,
    code: "NIX_MISSING",
    message: "Nix may not write to /nix as this user, and no Nix daemon runs",
    hint: "Install Nix's daemon (https://nixos.org/download), or run as the owner of /nix",
  },
];

function hostFailure(log: NixLog): HostError | undefined {
  const texts = log.errors.map(({ text }) => text);
  const failing = texts.map((text) => builderFailed[0]?.exec(text)?.groups?.["derivation"] ?? "");
  const said = [...texts, ...failing.flatMap((derivation) => log.builderLog(derivation))].join(
    "\n",
  );
  const failure = hostFailures.find(({ pattern }) => pattern.test(said));
  if (failure === undefined) return undefined;
  return new HostError(failure.message, {
    code: failure.code,
    hint: failure.hint,
    details: meaningfulLines(log),
  });
}

/** Nix's message in one line, with the file that it is about. */
function essence(message: NixMessage | undefined, cwd: string): string {
  if (message === undefined) return "Nix failed and did not say why";
  const [first = "", ...rest] = lines(message.text).map((line) => line.trim());
  const assertion = first.startsWith("Failed assertions:")
    ? rest.map((line) => line.replace(/^- /, ""))
    : undefined;
  if (assertion !== undefined) {
    const more = assertion.length > 1 ? ` (and ${assertion.length - 1} more)` : "";
    return `failed assertion: ${assertion[0] ?? ""}${more}`;
  }
  const sentence = first
    .replace(/ Definition values:$/, "")
    .replace(/^The (?=option|unique option)/, "the ");
  const meant = rest.find((line) => line.startsWith("Did you mean "));
  const place = message.location ?? /^- In [`']([^']+)'/m.exec(message.text)?.[1];
  return [
    meant === undefined ? sentence.replace(/\.$/, "") : `${sentence} ${meant}`,
    ...(place === undefined || sentence.includes(place) ? [] : [`(${shortPath(place, cwd)})`]),
  ]
    .join(" ")
    .replaceAll(`${cwd}/`, "");
}

function shortPath(path: string, cwd: string): string {
  const short = relative(cwd, path);
  return short.startsWith("..") ? path : short;
}

/** With the excerpt of the source where Nix shows one. */
function meaningfulLines(log: NixLog): string[] {
  return log.errors
    .flatMap(({ text, whole, location }) => lines(location === undefined ? text : whole))
    .slice(-shownLines);
}

function lines(text: string): string[] {
  return text
    .split("\n")
    .map((line) => line.trimEnd())
    .filter((line) => line !== "");
}
