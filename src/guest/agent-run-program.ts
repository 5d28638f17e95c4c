/**
 * The part of the agent that runs one command, in a shell of its own: `run ID MAX TEXT`. It takes
 * `_d` (its directory), `_l` (the locale) and `say` from the agent.
 *
 * Commands write to pipes as everywhere, not to files: /dev/stderr, opened once more, would begin
 * such a file anew. What is in them when the command ends is read without a program of its own. Only
 * for a command that takes long, lest it fill a pipe and wait, or for what no variable can hold, is
 * a pipe emptied into a file.
 *
 * A process in the background may keep a pipe open, so its end is no sign; then a random key goes
 * in behind what the command wrote. The end is one where nobody else can have the pipe: when no
 * process was made after the command's own. What comes behind the key is read and thrown away, that
 * such a process is not killed by writing it.
 */
export const runProgram: string = String.raw`
# stock ID: pipes for this command and those that follow, as they cost a process
stock() {
  local i p=()
  for ((i = $1; i < $1 + 32; i++)); do [[ -p $_d/$i.2 ]] || p+=("$_d/$i."{1,2}); done
  mkfifo -m 666 "\${p[@]}"
}

# pump DESCRIPTOR FILE: all of a pipe into a file, and nowhere beyond the limit
pump() {
  exec 2>/dev/null 8>&- 9>&-
  (ulimit -f "$((m / 1024 + 2))"; exec cat <&"$1" >>"$2")
  [[ ! -e $2 ]] || : >"$2.x"
  exec cat <&"$1" >/dev/null
}

# claim ID: whether nobody else empties the pipes of this command
claim() {
  set -C
  { : >"$_d/$1.c"; } 2>/dev/null
  local r=$?
  set +C
  return "$r"
}

# flow ID MAX: the host asks how the command is doing, so it takes long
flow() {
  [[ ! -e $_d/$1.c ]] && claim "$1" || return
  local f=$_d/$1 m=$2
  # Opened for both ways first, as this must not wait for a writer that is gone.
  (pump 6 "$f.o") 4<>"$f.1" 6<"$f.1" 4>&- &
  (pump 7 "$f.e") 4<>"$f.2" 7<"$f.2" 4>&- &
}

# draw DESCRIPTOR FILE PUMP: an output into $x; or into the file, where its length is $n
draw() {
  local i over
  x= n= q=$3
  if [[ -z $q ]]; then
    IFS= read -r -d '' -n 2000 x <&"$1" || return
    if [[ -n $k && $x == *"$k" ]]; then x=\${x%"$k"}; return; fi
    printf %s "$x" >"$2"
    ((\${#x} == 2000)) || printf '\0' >>"$2"
    pump "$1" "$2" & q=$!
  fi
  if [[ -z $k ]]; then wait "$q"
  else
    # Mostly nobody else has the pipe.
    for ((i = 0; i < 10; i++)); do [[ ! -e $2.x ]] || break; read -r -t 0.02 -u 3; done
    while [[ -p $f.2 ]]; do
      over=; [[ ! -e $2.x ]] || over=1
      if n=$(csplit -f "$2." "$2" "/^\${k:1:-1}\$/" 2>/dev/null); then
        n=$((\${n%%$'\n'*} - 1))
        return
      fi
      [[ -z $over ]] || break
      read -r -t 0.1 -u 3
    done
  fi
  [[ -e $2 ]] || : >"$2"
  n=$(stat -c %s "$2" || echo 0)
}

# pack FILE: what draw has left, into $v, as it is said
pack() {
  local y=$x c h s
  v=-
  if [[ -z $n ]]; then
    [[ -n $x ]] || return
    if [[ $x != *[!$'\t\n\r'\ -~]* ]] && ((\${#x} <= m)); then
      y=\${y//\%/%25} y=\${y//\~/%7E} y=\${y//\[/%5B} y=\${y//\*/%2A} y=\${y//:/%3A}
      y=\${y//$'\n'/%0A} y=\${y//$'\t'/%09} y=\${y//$'\r'/%0D}
      ((\${#y} > 3000)) || { v=t$y; return; }
    fi
    printf %s "$x" >"$1"
    n=\${#x}
  fi
  ((n > 0)) || return
  c=$((n > m ? m : n))
  head -c "$c" "$1" | base64 -w WIDTH >"$1.b"
  h=$(sha256sum <"$1.b") s=$(((c + 2) / 3 * 4))
  v=b$(((s + WIDTH - 1) / WIDTH)),\${h:0:16},$n
}

# finish ID STATUS SIGNALLED OUT ERR
finish() {
  local k=0 r
  [[ -e $_d/$1.k ]] && k=1
  r=D:$1:$2:$3:$k:$4:$5:$2:$3
  printf %s "$r" >"$_d/$1.d"
  [[ $4 == b* ]] && lines "$1" o 0 0
  [[ $5 == b* ]] && lines "$1" e 0 0
  say "$r"
  # The host did not wait for this.
  [[ -p $_d/$1.2 ]] || drop "$1"
}

# drop ID…: the files of commands
drop() {
  local id files=()
  for id; do files+=("$_d/$id".{1,2,{o,e}{,.b,.x,.00,.01},i,s,n,p,c,k,d}); done
  rm -f "\${files[@]}"
}

# linger DESCRIPTOR: for as long as others hold a pipe, it is emptied
linger() {
  if ! read -r -t 0 -u "$1" || IFS= read -r -d '' -n 1 -u "$1"; then cat <&"$1" >/dev/null & fi
}

run() {
  local f=$_d/$1 m=$2 s g=0 i=/dev/null p= k= w last pumped= po pe q x n v out
  if [[ -e $f.i ]]; then base64 -d <"$f.i" >"$f.s"; i=$f.s; fi
  exec 4<>"$f.1" 5<>"$f.2" 6<"$f.1" 7<"$f.2" 8>"$f.1" 9>"$f.2" 4>&- 5>&- 2>"$f.n"
  set -m
  {
    set +m +f
    if [[ -n $_l ]]; then export LC_ALL=$_l; else unset LC_ALL; fi
    eval "$3"
  } <"$i" >&8 2>&9 3>&- 6<&- 7<&- 8>&- 9>&- &
  p=$!
  echo "$p" >"$f.p"
  [[ ! -e $f.k && -p $f.2 ]] || kill -KILL -- "-$p"
  # In a subshell this does not end when the command only stops.
  wait "$p"; s=$?
  # Bash tells of a death by signal in words only.
  jobs >/dev/null
  read -r -d '' x <"$f.n"
  ((s > 128)) && [[ -n $x && $x != *'[1]'[-+\ ]'  Exit '* ]] && g=1
  set +m
  claim "$1" || pumped=1
  read -r _ _ _ _ last </proc/loadavg
  if [[ -n $pumped ]] || ((last != p)); then
    k=$'\n'end-$RANDOM$RANDOM$RANDOM$'\n'
    { printf '%s\0' "$k" >&8; printf '%s\0' "$k" >&9; } & w=$!
  fi
  exec 8>&- 9>&-
  draw 6 "$f.o" "$pumped"; po=$q; pack "$f.o"; out=$v
  draw 7 "$f.e" "$pumped"; pe=$q; pack "$f.e"
  finish "$1" "$s" "$g" "$out" "$v"
  [[ -n $k ]] || return
  wait "$w"
  [[ -n $po ]] || linger 6
  [[ -n $pe ]] || linger 7
}
`;
