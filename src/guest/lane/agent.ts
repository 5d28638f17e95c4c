/** Bytes of a request's head: KEY SERIAL LENGTH INPUT, each with leading zeros, and a line break. */
export const requestHeadBytes = 70;
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
 * the input of commands through the second; what a command writes goes out raw, moved by one `cat`
 * for each of the two, and ends in a trailer with the random key of that request. Commands write to
 * pipes as everywhere, not to the ports: a port cannot be opened twice, so /dev/stderr would fail.
 *
 * A background process may keep a pipe open after its command has ended. The trailer says so, and
 * the worker takes no other command until nobody holds the pipes any more: thus what comes late is
 * never taken for the output of another command. Descendants of a command have later pids than its
 * own, so nobody is looked for when no process was made since.
 */
export function laneAgentProgram(): string {
  return program
    .replaceAll("\\${", "${")
    .replaceAll("HEAD", String(requestHeadBytes))
    .replaceAll("MESSAGE", String(messageBytes));
}

const program = String.raw`
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

# holds FIRST LAST: whether a process of these pids has the worker's pipes open
holds() {
  local p f found=1
  local -a all
  set +f
  if (($2 >= $1 && $2 - $1 < 256)); then
    for ((p = $1; p <= $2; p++)); do [[ -d /proc/$p ]] && all+=("/proc/$p"); done
  else all=(/proc/[0-9]*); fi
  for p in "\${all[@]}"; do
    [[ $p == "/proc/$BASHPID" || $p == "/proc/$pump_out" || $p == "/proc/$pump_err" ]] && continue
    for f in "$p"/fd/*; do
      [[ $f -ef $base.out || $f -ef $base.err ]] && { found=0; break 2; }
    done
  done
  set -f
  return $found
}

# The pipes of a worker and the processes that empty them.
pipes() {
  rm -f "$base".{out,err,in}
  mkfifo -m 666 "$base".{out,err,in}
  cat <"$base.out" >&5 3<&- 4<&- 5<&- & pump_out=$!
  cat <"$base.err" >&4 3<&- 4<&- 5<&- & pump_err=$!
  exec 6>"$base.out" 7>"$base.err"
}

# Somebody holds the pipes and all workers are taken: what they still write is thrown away.
renew() {
  exec 8<"$base.out" 9<"$base.err"
  cat <&8 >/dev/null 3<&- 4<&- 5<&- 6>&- 7>&- 8<&- 9<&- &
  cat <&9 >/dev/null 3<&- 4<&- 5<&- 6>&- 7>&- 8<&- 9<&- &
  exec 8<&- 9<&-
  kill "$pump_out" "$pump_err"
  exec 6>&- 7>&-
  pipes
}

# linger KEY: until nobody holds the pipes any more, or the host wants the worker back
linger() {
  local byte pause=1
  while :; do
    if IFS= read -r -t "$pause" -N 1 -u 5 byte; then
      take $((HEAD - 1)) 5 || exit
      renew
      break
    elif (($? <= 128)); then exit; fi
    holds 2 1 || break
    pause=5
  done
  printf '%s 000 c 0\n' "$1" >&6
}

work() {
  local base=$home/$1 note=$home/$1.note nonce serial body input pid status how held last taken
  local pump_out pump_err feeder drain ended
  attach 5 "\${port[$1.out]}"
  attach 4 "\${port[$1.err]}"
  pipes
  : >"$note"
  exec 2>>"$note" 3</dev/null
  set -m
  printf '%s 000 r 0\n' "$key" >&6
  while take HEAD 5; do
    nonce=\${taken:0:32} serial=\${taken:33:10} input=$((10#\${taken:54:15}))
    take $((10#\${taken:44:9})) 5 || break
    # The host wanted a worker back that was free already.
    ((10#$serial)) || continue
    if ((input)); then
      # The worker reads along, so that the feeder outlives a command that does not want its input.
      head -c "$input" <&4 >"$base.in" 4<&- 5<&- 6>&- 7>&- & feeder=$!
      exec 3<"$base.in"
    fi
    {
      trap - HUP
      set +m +f
      ((oom_score_adj)) && echo 0 >/proc/self/oom_score_adj
      [[ -z $locale ]] || export LC_ALL="$locale"
      eval "$taken"
    } <&3 >&6 2>&7 3<&- 4<&- 5<&- 6>&- 7>&- &
    pid=$!
    printf '%s %s\n' "$serial" "$pid" >"$base.job"
    wait "$pid"
    status=$? how=e held=0
    if ((status > 128)); then
      # Bash tells of a death by signal in words only.
      jobs >/dev/null
      [[ -s $note ]] && how=s
    fi
    if [[ -s $base.ended ]]; then
      read -r ended <"$base.ended"
      [[ $ended != "$serial" ]] || how=\${how^}
      : >"$base.ended"
    fi
    if ((input)); then
      cat <&3 >/dev/null 4<&- 5<&- 6>&- 7>&- & drain=$!
      wait "$feeder"
      exec 3</dev/null
      wait "$drain"
    fi
    read -r _ _ _ _ last </proc/loadavg
    ((last == pid)) || { holds "$pid" "$last" && held=1; }
    printf '%s 000 e 0\n' "$nonce" >&7
    printf '%s %03d %s %d\n' "$nonce" "$status" "$how" "$held" >&6
    : >"$base.job"
    [[ -s $note ]] && : >"$note"
    ((held)) && linger "$nonce"
  done
  exit
}

clock() {
  local up
  read -r up _ </proc/uptime
  now=$((10#\${up/./}))
}

# family PID: it and all its descendants into $members
family() {
  local line p
  local -A children=()
  local -i next=0
  set +f
  for p in /proc/[0-9]*; do
    read -r line <"$p/stat" || continue
    line=\${line##*) }
    line=\${line#* }
    children[\${line%% *}]+=" \${p#/proc/}"
  done 2>/dev/null
  set -f
  members=("$1")
  while ((next < \${#members[@]})); do
    members+=(\${children[\${members[next]}]-})
    next+=1
  done
}

# strike WORKER SERIAL SIGNAL
strike() {
  local serial pid members
  read -r serial pid <"$home/$1.job" && [[ $serial == "$2" ]] || return
  if [[ $3 == KILL ]]; then
    family "$pid"
    kill -KILL -- "-$pid" "\${members[@]}"
  else kill "-$3" -- "-$pid"; fi
} 2>/dev/null

# Ends what is due, and finds how long to listen until the next is.
keep_time() {
  local k
  limit=
  ((\${#due[@]})) || return
  clock
  for k in "\${!due[@]}"; do
    if ((due[$k] <= now)); then
      printf '%s\n' "\${job[$k]}" >"$home/$k.ended"
      if [[ \${stage[$k]} == TERM ]]; then
        strike "$k" "\${job[$k]}" TERM
        stage[$k]=KILL due[$k]=$((now + grace))
      else
        strike "$k" "\${job[$k]}" KILL
        unset "due[$k]"
        continue
      fi
    fi
    ((limit == 0 || due[$k] - now < limit)) && limit=$((due[$k] > now ? due[$k] - now : 1))
  done
  [[ -z $limit ]] || printf -v limit '%d.%02d' $((limit / 100)) $((limit % 100))
}

# listen: the next message into $message; fails when it is time for something else
listen() {
  local part
  while ((\${#pending} < MESSAGE)); do
    IFS= read -r \${limit:+-t "$limit"} -N $((MESSAGE - \${#pending})) -u 8 part
    case $? in
      0) pending+=$part ;;
      1) [[ -n $part ]] || leave; pending+=$part ;;
      *) pending+=$part; return 1 ;;
    esac
  done
  message=$pending pending=
}

leave() {
  local k p
  for k in "\${!worker[@]}"; do
    read -r _ p <"$home/$k.job" && kill -KILL -- "-$p"
    kill -KILL "\${worker[$k]}"
  done 2>/dev/null
  rm -rf "$home"
  say bye
  exit
}

serve() {
  local message pending= limit= now k dead
  say hello
  while :; do
    keep_time
    listen || continue
    set -- $message
    case $1 in
      start)
        # Without job control what runs in the background ignores SIGINT for ever.
        set -m
        work "$2" 8<&- & worker[$2]=$!
        set +m ;;
      arm) clock; job[$2]=$3 stage[$2]=TERM due[$2]=$((now + $4)) grace=$5 ;;
      disarm) unset "due[$2]" ;;
      kill) strike "$2" "$3" KILL ;;
      ping)
        dead=
        for k in "\${!worker[@]}"; do kill -0 "\${worker[$k]}" || dead+=" $k"; done 2>/dev/null
        say "pong $2$dead" ;;
      leave) leave ;;
      # Another host begins anew at this port.
      *) leave ;;
    esac
  done
}

say() { printf '%s %s\n' "$key" "$*" >&8; }

set -f
mkdir -p -m 700 "$home"
attach 8 "\${port[control]}"
serve
`;
