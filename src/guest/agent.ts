import { runProgram } from "./agent-run-program.ts";

/** Characters of base64 in one frame: the kernel tears long lines more often than short ones. */
export const payloadLineLength = 480;

/**
 * The shell program that answers on the guest's console: bash and coreutils only, and nothing but
 * builtins for a command with little output. It reads `~LENGTH VERB ID …~` and answers with frames
 * (see frame-reader.ts):
 *
 *     H                            are you there?          H
 *     C ID MAX PARTS INPUTS TEXT   start a command         D the result, or U: say it again
 *     P ID N TEXT, I ID N BASE64   parts of what is long   a the number of the next one
 *     S ID                         how is it?              D, A: it runs, or U: never heard of it
 *     R ID STREAM FROM COUNT       lines of output again   L each
 *     K ID, X ID                   TERM, KILL              D
 *     F ID…                        forget
 *     Q                            leave                   Z
 *
 * Each may be lost or torn, so each may be sent again; a command that is known is not started again.
 * The result is kept in files until it is forgotten: thus it can be sent again too.
 *
 * Lines end with `~` and not as usual, because of bash: a `read` up to a line break takes more bytes
 * than that out of a terminal, and what is left of them comes out of the next `read`, also in a
 * child, also from another file. Up to another character it takes them one by one. The same happens
 * where it cannot seek back, as in /proc when a process has just ended: such files are read whole.
 */
export function agentProgram(token: string): string {
  return (runProgram + program)
    .replaceAll("\\${", "${")
    .replaceAll("TOKEN", token)
    .replaceAll("WIDTH", String(payloadLineLength));
}

const program = String.raw`
_l=\${LC_ALL-}; export -n LC_ALL; LC_ALL=C
export TERM=dumb; unset PROMPT_COMMAND PS0 ENV BASH_ENV HISTFILE
for _d in "\${TMPDIR:-/run}" /tmp; do _d+=/dryboot-agent-TOKEN; mkdir -m 700 "$_d" && break; done 2>/dev/null
[[ -d $_d ]] || exit
mkfifo "$_d/q"
# Nothing ever comes out of this.
exec 3<>"$_d/q"
_i= _n=0 _x=
declare -A _p _m _j
set -f
trap 'rm -rf "$_d"; exit' TERM HUP
say() { printf '~TOKEN:%d:%s~\n' "\${#1}" "$1"; }
lines() {
  local i=$3 l b
  if ((i == 0 && $4 == 0)); then
    while IFS= read -r l; do say "L:$1:$2:$i:$l"; i=$((i + 1)); done <"$_d/$1.$2.b"
  else
    mapfile -t -s "$i" -n "$4" b <"$_d/$1.$2.b"
    for l in "\${b[@]}"; do say "L:$1:$2:$i:$l"; i=$((i + 1)); done
  fi
}
start() {
  printf -v _x %b "\${_x//\%/\\x}"
  [[ -p $_d/$1.2 ]] || stock "$1"
  set -m
  ( run "$1" "\${_m[$1]}" "$_x" ) &
  _p[$1]=$!
  disown "$!"
  set +m
}
# strike ID SIGNAL: at all that the command has started
strike() {
  [[ ! -s $_d/$1.d ]] || return
  local p
  : >"$_d/$1.k"
  # What stands still would get a TERM only when it goes on.
  read -r p <"$_d/$1.p" && kill "-$2" -- "-$p" && kill -CONT -- "-$p"
} 2>/dev/null
say H
while IFS= read -r -d '~' _q; do
  _c=\${_q%% *} _q=\${_q#* }
  [[ \${#_q} == "$_c" ]] || continue
  set -- $_q
  case $1 in
    H) say H ;;
    P | I) [[ -z \${_p[$2]-} ]] || { say "A:$2"; continue; }
      if [[ $1 == P ]]; then
        [[ $_i == "$2" ]] || _i=$2 _n=0 _x=
        ((_n == $3)) && _x+=$4 _n=$((_n + 1))
        say "a:$2:P$_n"
      else
        _y=\${_j[$2]-0}
        if ((_y == $3)); then
          # Half of a line may be there now: this input is not taken any more.
          printf '%s\n' "$4" >>"$_d/$2.i" && _j[$2]=$((_y + 1)) || _j[$2]=-1
        fi
        say "a:$2:I\${_j[$2]-0}"
      fi ;;
    C) if [[ -n \${_p[$2]-} ]]; then say "A:$2"
      else
        (($4 > 0)) || _i=$2 _n=0 _x=$6
        if [[ $_i == "$2" ]] && ((_n == $4 && \${_j[$2]-0} == $5)); then _m[$2]=$3; start "$2"; else say "U:$2"; fi
      fi ;;
    S) _a=; [[ -z \${_p[$2]-} ]] || ! kill -0 "\${_p[$2]}" 2>/dev/null || _a=1
      if [[ -s $_d/$2.d ]]; then IFS= read -r -d '' _r <"$_d/$2.d"; say "$_r"
      elif [[ -n $_a ]]; then say "A:$2"; [[ ! -s $_d/$2.p ]] || flow "$2" "\${_m[$2]}"
      elif [[ -n \${_p[$2]-} ]]; then finish "$2" 137 1 - -
      else say "U:$2"; fi ;;
    R) [[ -e $_d/$2.$3.b ]] && lines "$2" "$3" "$4" "$5" ;;
    K) strike "$2" TERM ;;
    X) strike "$2" KILL ;;
    F) shift
      for _c; do unset "_p[$_c]" "_m[$_c]" "_j[$_c]"; done
      drop "$@" & ;;
    Q) rm -rf "$_d"; say Z; exit ;;
  esac
done
rm -rf "$_d"
`;
