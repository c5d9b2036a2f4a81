# What the client scripts share. Every step says what it does and asserts on the
# client's JSON output; the first that is not as wanted ends the script.

steps=0
step() {
  steps=$((steps + 1))
  now="$*"
}

fail() {
  echo "FAILED at: $now" >&2
  printf '%s\n' "$@" >&2
  exit 1
}

# want JQ-FILTER: the last output must make the filter true.
want() {
  jq -e "$1" >/dev/null 2>&1 <<<"$out" || fail "wanted: $1" "got: $out"
}

# run COMMAND...: runs a client and keeps what it prints in out.
run() {
  out=$("$@" 2>"$errors") || fail "$*" "$(cat "$errors")"
}

# refused TEXT COMMAND...: the client must fail, and its message have the text.
refused() {
  local text=$1
  shift
  out=$("$@" 2>&1) && fail "it should have been refused: $*"
  case $out in *"$text"*) ;; *) fail "wanted a message with: $text" "got: $out" ;; esac
}

# until_true JQ-FILTER COMMAND...: asks again, 30 times at most, until it holds.
until_true() {
  local filter=$1 try
  shift
  for try in $(seq 30); do
    out=$("$@" 2>/dev/null) && jq -e "$filter" >/dev/null 2>&1 <<<"$out" && return 0
    sleep 0.2
  done
  fail "after $try tries: $*" "wanted: $filter" "got: $out"
}

# until_gone COMMAND...: asks again until the client says that there is none.
until_gone() {
  local try
  for try in $(seq 30); do
    out=$("$@" 2>&1) || case $out in
      *"No snapshot"* | *"No volume"* | *"could not be found"* | *"No Snapshot"*) return 0 ;;
      *) fail "$*" "$out" ;;
    esac
    sleep 0.2
  done
  fail "still there after $try tries: $*"
}

errors=$(mktemp)
trap 'rm -f "$errors"' EXIT
