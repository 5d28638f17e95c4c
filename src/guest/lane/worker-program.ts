/**
 * The part of the agent that runs commands: `work WORKER` until its ports end. It takes `key`,
 * `home`, `port` and `locale` from the agent's start.
 */
export const workerProgram: string = String.raw`
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
  local byte late pause=1
  while :; do
    byte= late=0
    IFS= read -r -t "$pause" -N 1 -u 5 byte || late=$?
    # Bash may say of what comes just at the limit that it is too late, and give it all the same.
    if [[ -n $byte ]]; then
      take $((HEAD - 1)) 5 || exit
      renew
      break
    elif ((late <= 128)); then exit; fi
    holds 2 1 || break
    pause=5
  done
  printf '%s 000 c 0\n' "$1" >&6
}

# feed: the input of a command, from the pieces that the host sends
feed() {
  while take PIECE 4; do
    ((\${taken:11:1})) || exec head -c "$((10#\${taken:0:10}))" <&4
    head -c "$((10#\${taken:0:10}))" <&4
  done
}

# What a login shell has now: the machine may have been switched to another system.
renew_environment() {
  local name text
  known=$(readlink -f /etc/set-environment)
  text=$(
    for name in $(compgen -e); do
      case $name in
        HOME | USER | LOGNAME | SHELL | TERM | XDG_SESSION_* | XDG_RUNTIME_DIR | DBUS_SESSION_BUS_ADDRESS) ;;
        *) unset "$name" ;;
      esac
    done
    exec "$BASH" --login -c 'set -o posix; export -p' </dev/null 4<&- 5<&- 6>&- 7>&-
  ) 2>/dev/null
  [[ -n $text ]] || return
  for name in $(compgen -e); do export -n "$name"; done
  eval "$text"
  locale=\${LC_ALL-}; export -n LC_ALL; LC_ALL=C TERM=dumb
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
    nonce=\${taken:0:32} serial=\${taken:33:10} input=\${taken:54:1}
    take $((10#\${taken:44:9})) 5 || break
    # The host wanted a worker back that was free already.
    ((10#$serial)) || continue
    [[ ! -e /etc/set-environment || /etc/set-environment -ef $known ]] || renew_environment
    if ((input)); then
      # The worker reads along, so that the feeder outlives a command that does not want its input.
      feed >"$base.in" 5<&- 6>&- 7>&- & feeder=$!
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
    # In a subshell this does not end when the command only stops.
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
    printf '%s 000 e 0\n' "$nonce" >&7
    if ((input)); then
      drain=
      if kill -0 "$feeder" 2>/dev/null; then
        cat <&3 >/dev/null 4<&- 5<&- 6>&- 7>&- & drain=$!
        wait "$feeder"
      fi
      exec 3</dev/null
      [[ -z $drain ]] || wait "$drain"
    fi
    read -r _ _ _ _ last </proc/loadavg
    ((last == pid)) || { holds "$pid" "$last" && held=1; }
    printf '%s %03d %s %d\n' "$nonce" "$status" "$how" "$held" >&6
    : >"$base.job"
    [[ -s $note ]] && : >"$note"
    ((held)) && linger "$nonce"
  done
  exit
}
`;
