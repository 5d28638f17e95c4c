import { supervisorProgram } from "./supervisor-program.ts";
import { workerProgram } from "./worker-program.ts";

/** Bytes of a request's head: KEY SERIAL LENGTH INPUT (0 or 1) and a line break, with leading zeros. */
export const requestHeadBytes = 56;
/** Bytes before each piece of a command's input: LENGTH MORE (0 or 1) and a line break. */
export const pieceHeadBytes = 13;
/** Bytes of a message to the supervisor, blanks at its end included. */
export const messageBytes = 64;
/** Bytes behind the last output of a command: KEY STATUS HOW HELD and a line break. */
export const trailerBytes = 41;

/**
 * The program that runs commands in the guest: bash and coreutils only, and one fork with nothing
 * but builtins for a command without output.
 *
 *     bash agent KEY DIRECTORY PORT… ; a PORT is NAME=DEVICE, or NAME=NUMBER of an open descriptor
 *
 * The supervisor answers on the port `control`: it starts workers, ends commands, and tells which
 * workers live. A worker has two ports, `K.out` and `K.err`. Requests come in through the first,
 * the input of commands piece by piece through the second; what a command writes goes out raw, moved
 * by one `cat` for each of the two, and ends in a trailer with the random key of that request. The
 * trailer of stderr comes first, and tells the host that nobody wants the rest of the input.
 * Commands write to pipes as everywhere, not to the ports: a port cannot be opened twice, so
 * /dev/stderr would fail.
 *
 * A background process may keep a pipe open after its command has ended. The trailer says so, and
 * the worker takes no other command until nobody holds the pipes any more: thus what comes late is
 * never taken for the output of another command. Descendants of a command have later pids than its
 * own, so nobody is looked for when no process was made since.
 */
export function laneAgentProgram(): string {
  return [startProgram, workerProgram, supervisorProgram, mainProgram]
    .join("")
    .replaceAll("\\${", "${")
    .replaceAll("HEAD", String(requestHeadBytes))
    .replaceAll("PIECE", String(pieceHeadBytes))
    .replaceAll("MESSAGE", String(messageBytes));
}

const startProgram = String.raw`
trap '' HUP
key=$1 home=$2; shift 2
locale=\${LC_ALL-}; export -n LC_ALL; LC_ALL=C
export TERM=dumb; unset PROMPT_COMMAND PS0 ENV BASH_ENV HISTFILE
declare -A port=() worker=() due=() stage=() job=()
for entry in "$@"; do port[\${entry%%=*}]=\${entry#*=}; done
set --
cd
read -r oom_score_adj </proc/self/oom_score_adj

# attach DESCRIPTOR PORT
attach() {
  case $2 in
    /*) eval "exec $1<>\$2" ;;
    *) eval "exec $1<&$2 $2<&-" ;;
  esac
}

# take COUNT DESCRIPTOR: that many bytes into $taken
take() {
  local part count=$1
  taken=
  while ((count > 0)); do
    IFS= read -r -N "$count" -u "$2" part || [[ -n $part ]] || return
    taken+=$part
    count=$(($1 - \${#taken}))
  done
}
`;

const mainProgram = String.raw`
set -f
known=$(readlink -f /etc/set-environment)
mkdir -p -m 700 "$home"
attach 8 "\${port[control]}"
serve
`;
