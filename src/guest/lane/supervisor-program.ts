/**
 * The part of the agent that listens to the host on the port `control`, descriptor 8: `serve` starts
 * workers, ends commands, and tells which workers live.
 */
export const supervisorProgram: string = String.raw`
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
  else
    kill "-$3" -- "-$pid"
    # What stands still gets it only when it goes on.
    kill -CONT -- "-$pid"
  fi
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

# listen: the next message into $message; fails when it is time for something else. A message that has begun is read to
# its end: bash goes by the wall clock, finds after one byte that somebody has set it, and gives the others, which it
# has read ahead, to whatever it reads next.
listen() {
  local part
  message=
  while ((\${#message} < MESSAGE)); do
    IFS= read -r \${limit:+-t "$limit"} -N $((MESSAGE - \${#message})) -u 8 part
    case $? in
      0) ;;
      1) [[ -n $part ]] || leave ;;
      *) [[ -n $part ]] || return ;;
    esac
    message+=$part limit=
  done
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
  local message limit= now k dead
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
      kill) strike "$2" "$3" "$4" ;;
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
`;
