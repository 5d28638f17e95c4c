import { createHash, randomBytes } from "node:crypto";
import type { Console } from "../../console/index.ts";
import type { Deadline } from "../../deadline.ts";
import { GuestLostError } from "../../errors.ts";
import { laneAgentProgram } from "./agent.ts";
import { connectLane } from "./connect.ts";
import { LaneChannel, type IdleAgent, type Lane } from "./lane.ts";
import { laneDevices, lanePorts } from "./ports.ts";
import { wordOf } from "./supervisor.ts";

export interface OpenLaneOptions {
  /** Where the sockets of the guest's ports stand, see {@link laneQemuArguments}. */
  readonly directory: string;
  readonly deadline: Deadline;
  /** For the start of the agent alone; then there is no lane. @default 30000 */
  readonly patienceMs?: number;
  /** A shell that has not said by then that it listens is sent the agent all the same. @default 4000 */
  readonly unheardMs?: number;
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
  { directory, deadline, patienceMs = 30_000, unheardMs = 4000, ...options }: OpenLaneOptions,
): Promise<LaneAttempt> {
  const patience = deadline.orAfter(patienceMs);
  // An earlier agent that has not noticed the end of its host takes the first text, and leaves.
  for (let attempt = 1; ; attempt += 1) {
    const key = randomBytes(16).toString("hex");
    const sockets = await connectLane(lanePorts(directory), patience);
    if (sockets === undefined) return { lane: undefined, reason: "QEMU has no ports for it" };
    const lane = new LaneChannel(sockets, { key, ...options });
    const endFailure = console.onFailure((failure) => lane.abandon(failure));
    const answer = await start(console, lane, { key, patience, unheardMs });
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

export interface ResumeLaneOptions extends Omit<OpenLaneOptions, "unheardMs"> {
  readonly agent: IdleAgent;
  /**
   * Lets the guest run, once QEMU has taken the connections to these character devices: a port that has no host then would
   * be at its end for the agent.
   */
  readonly proceed: (devices: readonly string[]) => Promise<void>;
}

/** Goes on with the agent of a guest that was saved; nothing, where it does not answer. */
export async function resumeLane(
  console: Console,
  { directory, deadline, patienceMs = 30_000, agent, proceed, ...options }: ResumeLaneOptions,
): Promise<Lane | undefined> {
  const sockets = await connectLane(lanePorts(directory), deadline);
  if (sockets === undefined) {
    await proceed([]);
    return undefined;
  }
  const lane = new LaneChannel(sockets, { key: agent.key, agent, ...options });
  const endFailure = console.onFailure((failure) => lane.abandon(failure));
  // An abandoned lane has left its ports, and nobody need wait for them.
  if (console.failure !== undefined) throw console.failure;
  await proceed(laneDevices);
  lane.greet();
  const greeting = lane.greeted.then(
    () => true,
    () => false,
  );
  if ((await deadline.orAfter(patienceMs).race(greeting)) === true) return lane;
  endFailure();
  lane.abandon(new GuestLostError("the lane does not go on", { code: "GUEST_LOST" }));
  if (console.failure !== undefined) throw console.failure;
  return undefined;
}

const reasons: ReadonlyMap<string, string> = new Map([
  ["none", "the guest has no virtio-serial port (no virtio_console in its kernel)"],
  ["busy", "the guest's port is held by another process"],
  ["digest", "the agent did not arrive whole"],
  ["silence", "the agent did not answer"],
]);

interface Start {
  readonly key: string;
  readonly patience: Deadline;
  readonly unheardMs: number;
}

/** Types the line and waits for the agent's first word, or for the shell's to say why not. */
async function start(
  console: Console,
  lane: LaneChannel,
  { key, patience, unheardMs }: Start,
): Promise<string> {
  const word = wordOf(key);
  const since = console.mark();
  const ended = new AbortController();
  // Right after another agent has left a port, QEMU was seen to lose the first word that is written to it. The shell listens
  // for nine seconds; a port that nobody has opened yet keeps the text until then.
  void Promise.race([lane.opened, patience.sleep(unheardMs)]).then(() => {
    if (ended.signal.aborted) return;
    lane.upload(`\n${word}:${secondLine(key)}\n${laneAgentProgram()}`);
  });
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
