/** Characters of base64 in one frame: the kernel tears long lines more often than short ones. */
export const payloadLineLength = 480;

/**
 * The shell program that answers on the guest's console: bash and coreutils only, and nothing but
 * builtins for a command with little output. It reads lines `LENGTH VERB ID …` and answers with
 * frames (see frame-reader.ts):
 *
 *     C ID MAX PARTS INPUTS TEXT   start a command         D the result, or U: say it again
 *     P ID N TEXT, I ID N BASE64   parts of what is long   a: received
 *     S ID                         how is it?              D, A: it runs, or U: never heard of it
 *     R ID STREAM FROM COUNT       lines of output again   L each
 *     K ID, X ID                   TERM, KILL              D
 *     F ID…                        forget
 *     Q                            leave                   Z
 *
 * Each may be lost or torn, so each may be sent again. Output goes to files first: thus it can be
 * sent again too, and a process that keeps it open holds nothing back.
 */
export function agentProgram(token: string): string {
  return program
    .replaceAll("\\${", "${")
    .replaceAll("TOKEN", token)
    .replaceAll("WIDTH", String(payloadLineLength));
}

const program = String.raw`
_l=\${LC_ALL-}; export -n LC_ALL; LC_ALL=C
export TERM=dumb; unset PROMPT_COMMAND PS0 ENV BASH_ENV HISTFILE
_d=/run/dryboot/TOKEN; mkdir -p -m 700 "$_d" 2>/dev/null || { _d=\${TMPDIR:-/tmp}/dryboot-agent-TOKEN; mkdir -m 700 "$_d"; } || exit
_i= _n=0 _j=0 _x= _m=0
declare -A _p
set -f
trap 'rm -rf "$_d"; exit' TERM HUP
say() { printf '~TOKEN:%d:%s~\n' "\${#1}" "$1"; }
pack() {
  _v=-; [[ -s $1 ]] || return
  local x
  if ! IFS= read -r -d '' -n 600 x <"$1" && [[ $x != *[!$'\t\n\r'\ -~]* ]] && ((\${#x} <= $2)); then
    x=\${x//\%/%25} x=\${x//\~/%7E} x=\${x//\[/%5B} x=\${x//\*/%2A} x=\${x//:/%3A}
    x=\${x//$'\n'/%0A} x=\${x//$'\t'/%09} x=\${x//$'\r'/%0D}
    _v=t$x; return
  fi
  head -c "$2" "$1" | base64 -w WIDTH >"$1.b"
  local h=$(sha256sum <"$1.b") s=$(stat -c %s "$1" "$1.b")
  _v=b$(((\${s##*$'\n'} + WIDTH) / (WIDTH + 1))),\${h:0:16},\${s%%$'\n'*}
}
lines() {
  local i=$3 l b
  if ((i == 0 && $4 == 0)); then
    while IFS= read -r l; do say "L:$1:$2:$i:$l"; i=$((i + 1)); done <"$_d/$1.$2.b"
  else
    mapfile -t -s "$i" -n "$4" b <"$_d/$1.$2.b"
    for l in "\${b[@]}"; do say "L:$1:$2:$i:$l"; i=$((i + 1)); done
  fi
}
finish() {
  local f=$_d/$1 k=0 o e r
  [[ -e $f.k ]] && k=1
  pack "$f.o" "$2"; o=$_v; pack "$f.e" "$2"; e=$_v
  r=D:$1:$3:$4:$k:$o:$e:$3:$4
  printf %s "$r" >"$f.d"
  [[ $o == b* ]] && lines "$1" o 0 0
  [[ $e == b* ]] && lines "$1" e 0 0
  say "$r"
}
run() {
  local f=$_d/$1 s g=0 i=/dev/null
  trap : TERM HUP INT
  if [[ -e $f.i ]]; then base64 -d <"$f.i" >"$f.s"; i=$f.s; fi
  {
    (
      set +f
      if [[ -n $_l ]]; then export LC_ALL=$_l; else unset LC_ALL; fi
      eval "$_x"
    ) <"$i" >>"$f.o" 2>>"$f.e"
    s=$?
  } 2>"$f.n"
  ((s > 128)) && [[ -s $f.n || $s == 130 || $s == 141 ]] && g=1
  finish "$1" "$2" "$s" "$g"
}
start() {
  printf -v _x %b "\${_x//\%/\\x}"
  set -m
  ( set +m; run "$1" "$_m" ) &
  _p[$1]=$!
  disown "$!"
  set +m
}
say H
while IFS= read -r _q; do
  _c=\${_q%% *} _q=\${_q#* }
  [[ \${#_q} == "$_c" ]] || continue
  set -- $_q
  case $1 in
    P) if ((_n == $3)) || (($3 == 0)); then
        [[ $3 == 0 ]] && _i=$2 _n=0 _j=0 _x=
        _x+=$4 _n=$((_n + 1))
      fi; say "a:$2:P$3" ;;
    I) if [[ $_i != "$2" ]]; then _i=$2 _n=0 _j=0 _x=; fi
      if (($3 == 0)); then printf '%s\n' "$4" >"$_d/$2.i"; _j=1
      elif ((_j == $3)); then printf '%s\n' "$4" >>"$_d/$2.i"; _j=$((_j + 1)); fi
      say "a:$2:I$3" ;;
    C) if [[ -n \${_p[$2]-} ]]; then say "A:$2"
      else
        if (($4 == 0 && $5 == 0)); then _i=$2 _n=0 _j=0 _x=$6
        elif (($4 == 0)) && [[ $_i == "$2" ]]; then _x=$6; fi
        if [[ $_i == "$2" ]] && ((_n == $4 && _j == $5)); then _m=$3; start "$2"; else say "U:$2"; fi
      fi ;;
    S) if [[ -s $_d/$2.d ]]; then IFS= read -r _r <"$_d/$2.d"; say "$_r"
      elif [[ -n \${_p[$2]-} ]]; then
        say "A:$2"
        truncate -s "<$((_m + 1))" "$_d/$2.o" "$_d/$2.e" 2>/dev/null
      else say "U:$2"; fi ;;
    R) [[ -e $_d/$2.$3.b ]] && lines "$2" "$3" "$4" "$5" ;;
    K) [[ -s $_d/$2.d ]] || { : >"$_d/$2.k"; kill -TERM -- "-\${_p[$2]}"; } 2>/dev/null ;;
    X) [[ -s $_d/$2.d ]] || {
        : >"$_d/$2.k"; kill -KILL -- "-\${_p[$2]}" 2>/dev/null
        finish "$2" "$_m" 137 1
      } ;;
    F) shift; _f=()
      for _c; do unset "_p[$_c]"; _f+=("$_d/$_c".{o,e,o.b,e.b,i,s,n,k,d}); done
      rm -f "\${_f[@]}" & ;;
    Q) rm -rf "$_d"; say Z; exit ;;
  esac
done
rm -rf "$_d"
`;
