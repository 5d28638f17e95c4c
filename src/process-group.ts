import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { Deadline } from "./deadline.ts";

/** The processes that one program and its descendants consist of. */
export interface ProcessGroup {
  /** Id of the process that was started as the leader of its own group or session. */
  readonly leader: number;
  /** An environment entry (`NAME=value`) that finds descendants which left group and session. */
  readonly environment?: string;
}

export interface TerminateOptions {
  /** @default 5000 */
  readonly graceMs?: number;
}

/**
 * Ends every process of the group: TERM, five seconds, KILL; resolves when none is left.
 * Ending a group that is gone already does nothing.
 */
export async function terminate(
  group: ProcessGroup,
  { graceMs = 5000 }: TerminateOptions = {},
): Promise<void> {
  signal(group, "SIGTERM");
  if (await gone(group, Deadline.after(graceMs))) return;
  const limit = Deadline.after(graceMs);
  do {
    signal(group, "SIGKILL");
  } while (!(await gone(group, limit.orAfter(200))) && !limit.expired);
}

/** Whether any process of the group still runs (a zombie does not). */
export function isAlive(group: ProcessGroup): boolean {
  return members(group).length > 0;
}

/** Start of a process in clock ticks since the host's boot: with its id it names one process for ever. */
export function startTimeOf(pid: number): string | undefined {
  return statusOf(pid)?.startTime;
}

/** Ends a group and removes directories when dryboot itself dies, however it dies. */
export interface Guard {
  /** Adds a group or session by its leader. */
  watch(leader: number): void;
  /** The directories are to stay. */
  keep(): void;
  /** Dryboot has cleaned up itself: the guard leaves and does nothing. */
  release(): void;
}

export interface GuardOptions {
  readonly environment?: string;
  readonly directories?: readonly string[];
  /** @default 5000 */
  readonly graceMs?: number;
}

/** Starts a small shell that outlives dryboot; the end of its standard input is dryboot's death. */
export function startGuard({
  environment = "",
  directories = [],
  graceMs = 5000,
}: GuardOptions = {}): Guard {
  const grace = String(Math.ceil(graceMs / 10));
  const shell = spawn(
    "/bin/sh",
    ["-c", guardScript, "dryboot-guard", grace, environment, ...directories],
    {
      cwd: "/",
      detached: true,
      env: { PATH: process.env["PATH"] ?? "/usr/bin:/bin" },
      stdio: ["pipe", "ignore", "ignore"],
    },
  );
  // A guard that could not start or is gone must never be what breaks a run.
  shell.on("error", () => {});
  shell.stdin.on("error", () => {});
  shell.unref();
  if ("unref" in shell.stdin && typeof shell.stdin.unref === "function") shell.stdin.unref();
  return {
    watch: (leader) => void shell.stdin.write(`${leader}\n`),
    keep: () => void shell.stdin.write("keep\n"),
    release: () => void shell.stdin.end("release\n"),
  };
}

// The same ladder as `terminate`, for when there is no Node left to climb it.
const guardScript = `
trap '' HUP INT QUIT TERM
grace=$1; shift # hundredths of a second
marker=$1; shift
leaders=' '
keep=
while read -r word; do
  case $word in
    release) exit 0 ;;
    keep) keep=yes ;;
    *) leaders="$leaders$word " ;;
  esac
done
members() {
  for file in /proc/[0-9]*/stat; do
    { read -r line <"$file"; } 2>/dev/null || continue
    pid=\${line%% *}
    set -- \${line##*) }
    [ "$1" = Z ] && continue
    case $leaders in *" $3 "*|*" $4 "*) echo "$pid" ;; esac
  done
  [ -z "$marker" ] || grep -lsaF -e "$marker" /proc/[0-9]*/environ | while IFS=/ read -r _ _ pid _; do
    [ "$pid" = self ] || echo "$pid"
  done
}
now() { read -r up _ </proc/uptime; echo "\${up%.*}\${up#*.}"; }
for round in TERM KILL; do
  end=$(($(now) + grace))
  again=0
  while found=$(members); [ -n "$found" ]; do
    time=$(now)
    # Nix misses a signal now and then: it is asked again each second.
    if [ "$round" = KILL ] || [ "$time" -ge "$again" ]; then
      kill -s "$round" $found
      again=$((time + 100))
    fi
    [ "$time" -lt "$end" ] || break
    sleep 0.1 || sleep 1
  done
done
[ -z "$keep" ] || exit 0
for directory; do rm -rf -- "$directory"; done
`;

async function gone(group: ProcessGroup, deadline: Deadline): Promise<boolean> {
  for (let pauseMs = 10; isAlive(group); pauseMs = Math.min(pauseMs * 2, 100)) {
    if (deadline.expired) return false;
    await deadline.sleep(pauseMs);
  }
  return true;
}

function signal(group: ProcessGroup, name: "SIGTERM" | "SIGKILL"): void {
  for (const pid of members(group)) {
    try {
      process.kill(pid, name);
    } catch {
      // It ended by itself, or it is not ours to end.
    }
  }
}

function members({ leader, environment }: ProcessGroup): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      const status = statusOf(pid);
      if (status === undefined || status.state === "Z" || pid === process.pid) return false;
      if (status.group === leader || status.session === leader) return true;
      return environment !== undefined && environmentOf(pid).includes(`\0${environment}\0`);
    });
}

interface ProcessStatus {
  readonly state: string;
  readonly group: number;
  readonly session: number;
  readonly startTime: string;
}

function statusOf(pid: number): ProcessStatus | undefined {
  const text = readProc(pid, "stat");
  // The name in parentheses may hold blanks and parentheses itself.
  const [state, , group, session, ...rest] = text.slice(text.lastIndexOf(") ") + 2).split(" ");
  if (state === undefined || group === undefined || session === undefined) return undefined;
  return { state, group: Number(group), session: Number(session), startTime: rest[15] ?? "" };
}

function environmentOf(pid: number): string {
  return `\0${readProc(pid, "environ")}`;
}

function readProc(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "latin1");
  } catch {
    return "";
  }
}
