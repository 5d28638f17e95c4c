import { createHash, randomBytes } from "node:crypto";
import type { Console } from "../../console/index.ts";
import type { Deadline } from "../../deadline.ts";
import { GuestLostError } from "../../errors.ts";
import { laneAgentProgram } from "./agent.ts";
import { connectLane } from "./connect.ts";
import { LaneChannel, type Lane } from "./lane.ts";
import { lanePorts } from "./ports.ts";
import { wordOf } from "./supervisor.ts";

export interface OpenLaneOptions {
  /** Where the sockets of the guest's ports stand, see {@link laneQemuArguments}. */
  readonly directory: string;
  readonly deadline: Deadline;
  /** For the start of the agent alone; then there is no lane. @default 30000 */
  readonly patienceMs?: number;
  /** An agent that answers nothing for so long is lost. @default 60000 */
  readonly silenceMs?: number;
  /** Between TERM and KILL after a command's timeout. @default 2000 */
  readonly graceMs?: number;
}

/** A lane, or why this guest can have none. */
export type LaneAttempt =
  | { readonly lane: Lane }
  | { readonly lane: undefined; readonly reason: string };

/**
 * Starts dryboot's agent from the root shell that waits at the console, by one typed line. The line
 * only finds a port and does what it reads there; all else comes through that port. The shell is
 * free again afterwards, and the agent depends on it no more.
 * @throws GuestLostError when the guest is lost meanwhile
 */
export async function openLane(
  console: Console,
  { directory, deadline, patienceMs = 30_000, ...options }: OpenLaneOptions,
): Promise<LaneAttempt> {
  const patience = deadline.orAfter(patienceMs);
  // An earlier agent that has not noticed the end of its host takes the first text, and leaves.
  for (let attempt = 1; ; attempt += 1) {
    const key = randomBytes(16).toString("hex");
    const sockets = await connectLane(lanePorts(directory), patience);
    if (sockets === undefined) return { lane: undefined, reason: "QEMU has no ports for it" };
    const lane = new LaneChannel(sockets, { key, ...options });
    const endFailure = console.onFailure((failure) => lane.abandon(failure));
    const answer = await start(console, lane, key, patience);
    if (answer === "started") return { lane };
    endFailure();
    lane.abandon(new GuestLostError("the lane did not start", { code: "GUEST_LOST" }));
    if (console.failure !== undefined) throw console.failure;
    if (attempt === 3 || answer !== "busy") {
      return { lane: undefined, reason: reasons.get(answer) ?? answer };
    }
    await patience.sleep(300);
  }
}

const reasons: ReadonlyMap<string, string> = new Map([
  ["none", "the guest has no virtio-serial port (no virtio_console in its kernel)"],
  ["busy", "the guest's port is held by another process"],
  ["digest", "the agent did not arrive whole"],
  ["silence", "the agent did not answer"],
]);

/** Types the line and waits for the agent's first word, or for the shell's to say why not. */
async function start(
  console: Console,
  lane: LaneChannel,
  key: string,
  patience: Deadline,
): Promise<string> {
  const word = wordOf(key);
  const since = console.mark();
  const ended = new AbortController();
  void lane.opened.then(() => lane.upload(`\n${word}:${secondLine(key)}\n${laneAgentProgram()}`));
  console.sendLine(agentLine(word));
  const refusal = console
    .expect(new RegExp(`lane-${word}-(?:none|busy|digest)`), {
      deadline: patience,
      since,
      signal: ended.signal,
    })
    .then(
      ({ text }) => text.slice(text.lastIndexOf("-") + 1),
      () => "silence",
    );
  const greeting = lane.greeted.then(
    () => "started",
    () => "silence",
  );
  const answer = (await patience.race(Promise.race([greeting, refusal]))) ?? "silence";
  ended.abort();
  await refusal;
  return answer;
}

// A port without a name (another's console) has no such file, and must not pass for the one before it.
// It says through the port that it listens, and passes over what may stand in there from earlier.
// On the console the word is typed apart, so that the echo of the line is not taken for the answer.
// The shell at the console may be one that knows another language: all but the first words is for bash, and holds
// neither single quotes nor doubled backslashes, which such a shell would read in its own way.
export function agentLine(word: string): string {
  const script =
    "l=none;[ -d /sys/class/virtio-ports ]||modprobe virtio_console;" +
    'for p in /sys/class/virtio-ports/*;do n=;read n<$p/name;[ "$n" = dryboot.control ]&&{ l=busy;' +
    "for i in {1..30};do exec 9<>/dev/${p##*/}&&break;sleep .1;done;" +
    `echo ${word}>&9;while read -rt9 -u9 m;do [[ $m = ${word}:* ]]&&eval "\${m#*:}"&&break;done;};` +
    `done 2>/dev/null;printf "lane-%s-%s\\n" ${word} $l`;
  return ` unset HISTFILE;bash -c '${script}'`;
}

/** What the first line reads from the port: it takes the agent's text, and starts it. */
function secondLine(key: string): string {
  const program = Buffer.from(laneAgentProgram());
  const digest = createHash("sha256").update(program).digest("hex");
  return secondText
    .replaceAll("\\${", "${")
    .replaceAll("KEY", key)
    .replaceAll("SIZE", String(program.length))
    .replaceAll("DIGEST", digest)
    .replaceAll("\n", " ");
}

// A scope or unit of its own would be seen by those who look at the machine's units, and would end
// with an isolate; a control group that systemd does not know is left alone by logout, isolate and
// restart alike. Other agents can only be left over from a host that died, or from a lane that was
// lost: nobody hears of their commands any more, so these do not go on.
const secondText = String.raw`
d=/run/dryboot/lane-KEY; l=digest; ports=(control=9); old=();
for f in /run/dryboot/lane-*/*.job; do n=; read -r n p <$f && kill -9 -- -$p; done;
rm -rf /run/dryboot/lane-*; mkdir -p -m 700 /run/dryboot; mkdir -m 700 $d; head -c SIZE <&9 >$d/agent;
for p in /sys/class/virtio-ports/*; do n=; read -r n <$p/name; p=/dev/\${p##*/}; case $n in
dryboot.[0-9]*) ports+=(\${n#dryboot.}=$p); : 8<>$p || old+=($p);; esac; done;
[ -z "$old" ] || for f in /proc/[0-9]*/fd/*; do [ -c $f ] && for p in "\${old[@]}"; do
[ $f -ef $p ] && { p=\${f#/proc/}; kill -9 \${p%%/*}; }; done; done;
[ "$(sha256sum <$d/agent)" = "DIGEST  -" ] && l=started &&
( for c in /sys/fs/cgroup /sys/fs/cgroup/systemd; do [ -w $c/cgroup.procs ] &&
mkdir -p $c/dryboot && echo $BASHPID >$c/dryboot/cgroup.procs; done;
echo -1000 >/proc/$BASHPID/oom_score_adj;
exec $(type -P setsid) bash $d/agent KEY $d "\${ports[@]}" </dev/null >/dev/null 2>&1 & );
exec 9<&-
`.trim();
