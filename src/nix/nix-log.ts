import { stripVTControlCharacters } from "node:util";
import type { NixProgress } from "./types.ts";

/** Builders write without end; the end is what says why one failed. */
const keptLogLines = 40;

// Numbers of Nix's protocol: libutil/logging.hh.
const activity = {
  copyPath: 100,
  fileTransfer: 101,
  build: 105,
  builds: 104,
  substitute: 108,
} as const;
const result = { buildLogLine: 101, progress: 105 } as const;

export interface NixMessage {
  readonly text: string;
  /** With excerpts of the source and, when asked for, the trace. */
  readonly whole: string;
  /** `file:line`, where Nix knows it. */
  readonly location?: string;
}

export interface NixLog {
  /** Takes one line of Nix's standard error, `--log-format internal-json` or plain. */
  readonly push: (line: string) => void;
  readonly errors: readonly NixMessage[];
  readonly warnings: readonly string[];
  /** What the builder of a derivation wrote last. */
  readonly builderLog: (derivation: string) => readonly string[];
}

interface Activity {
  readonly type: number;
  readonly subject: string;
}

/** Reads Nix's log: progress goes out at once, errors and the builders' last lines are kept. */
export function createNixLog(
  phase: "evaluate" | "build",
  onProgress: (progress: NixProgress) => void = () => {},
): NixLog {
  const errors: NixMessage[] = [];
  const warnings: string[] = [];
  const activities = new Map<number, Activity>();
  const builderLogs = new Map<string, string[]>();
  let count: { readonly built: number; readonly total: number } | undefined;

  const start = (event: NixEvent): void => {
    const subject = typeof event.fields?.[0] === "string" ? event.fields[0] : "";
    activities.set(event.id ?? -1, { type: event.type ?? 0, subject });
    const detail = describeActivity(event.type, subject);
    if (detail !== undefined) onProgress({ phase, detail, ...count });
  };

  const progress = ({ id = -1, type, fields = [] }: NixEvent): void => {
    const current = activities.get(id);
    if (type === result.buildLogLine && current !== undefined) {
      const lines = builderLogs.get(current.subject) ?? [];
      lines.push(stripVTControlCharacters(String(fields[0] ?? "")));
      if (lines.length > keptLogLines) lines.shift();
      builderLogs.set(current.subject, lines);
    }
    if (type === result.progress && current?.type === activity.builds) {
      count = { built: Number(fields[0] ?? 0), total: Number(fields[1] ?? 0) };
    }
  };

  const message = (event: NixEvent): void => {
    const text = stripVTControlCharacters(event.raw_msg ?? event.msg ?? "").trim();
    const whole = stripVTControlCharacters(event.msg ?? text);
    if (event.level === 1) warnings.push(text.replace(/^warning: /, ""));
    if (event.level !== 0) return;
    const isError = event.raw_msg !== undefined || text.startsWith("error:");
    if (isError) errors.push({ text: text.replace(/^error:\s*/, ""), whole, ...locationOf(event) });
    else if (/^(trace|evaluation) ?:? ?warning: /.test(text))
      warnings.push(text.replace(/^.*?warning: /, ""));
  };

  return {
    push: (line) => {
      const event = parseEvent(line);
      if (event === undefined) plain(line, errors);
      else if (event.action === "start") start(event);
      else if (event.action === "result") progress(event);
      else if (event.action === "msg") message(event);
    },
    errors,
    warnings,
    builderLog: (derivation) => builderLogs.get(derivation) ?? [],
  };
}

interface NixEvent {
  readonly action: string;
  readonly id?: number;
  readonly type?: number;
  readonly level?: number;
  readonly fields?: readonly unknown[];
  readonly msg?: string;
  readonly raw_msg?: string;
  readonly file?: string | null;
  readonly line?: number | null;
}

function parseEvent(line: string): NixEvent | undefined {
  if (!line.startsWith("@nix ")) return undefined;
  try {
    const event: unknown = JSON.parse(line.slice("@nix ".length));
    return typeof event === "object" && event !== null ? (event as NixEvent) : undefined;
  } catch {
    return undefined;
  }
}

function locationOf({ file, line }: NixEvent): { location?: string } {
  if (typeof file !== "string" || file === "" || file.startsWith("(")) return {};
  return { location: typeof line === "number" ? `${file}:${line}` : file };
}

/** What Nix writes before its logger listens, such as a wrong option on its command line. */
function plain(line: string, errors: NixMessage[]): void {
  const text = stripVTControlCharacters(line);
  const error = /^error: (.*)/.exec(text);
  if (error !== null) errors.push({ text: error[1] ?? "", whole: text });
}

function describeActivity(type: number | undefined, subject: string): string | undefined {
  if (type === activity.build) return storeName(subject);
  if (type === activity.copyPath || type === activity.substitute)
    return `fetching ${storeName(subject)}`;
  if (type === activity.fileTransfer && !subject.endsWith(".narinfo"))
    return `downloading ${subject}`;
  return undefined;
}

/** `nginx-1.24.0` of `/nix/store/<hash>-nginx-1.24.0.drv`. */
export function storeName(path: string): string {
  return path.replace(/^.*\/[0-9a-z]{32}-/, "").replace(/\.drv$/, "");
}
