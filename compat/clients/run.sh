#!/bin/bash
# Starts a fresh breezeblock in each dialect and runs the named parts against it:
#   run.sh openstack cinder gophercloud examples conform
# DIALECTS=evs keeps it to one dialect. The binary is ./breezeblock (make build).
set -euo pipefail
cd "$(dirname "$0")/../.."
[ $# -gt 0 ] || { sed -n '2,5s/^# //p' "$0" >&2; exit 2; }

work=$(mktemp -d)
server=
stop_server() {
  [ -n "$server" ] || return 0
  kill -TERM "$server" 2>/dev/null || true
  wait "$server" || { echo "the server ended with status $?" >&2; tail -n 20 "$work"/*.log >&2; server=; return 1; }
  server=
}
trap 'stop_server; rm -rf "$work"' EXIT

# start_server DIALECT: sets url and data.
start_server() {
  data=$work/data-$1
  ./breezeblock serve --data "$data" --listen 127.0.0.1:0 --dialect "$1" >"$work/$1.out" 2>"$work/$1.log" </dev/null &
  server=$!
  for _ in $(seq 300); do
    url=$(sed -n 's/^Breezeblock serves \([^ ]*\) .*/\1/p' "$work/$1.out")
    [ -n "$url" ] && return 0
    kill -0 "$server" 2>/dev/null || break
    sleep 0.1
  done
  echo "the server did not start:" >&2
  cat "$work/$1.log" >&2
  return 1
}

# in_shell FILE COMMAND...: runs a command as the user of an openrc.
in_shell() {
  (
    for name in $(compgen -e | grep '^OS_' || true); do unset "$name"; done
    # shellcheck disable=SC1090
    . "$1"
    export DIALECT=$dialect DATA=$data URL=$url BREEZEBLOCK=$PWD/breezeblock
    shift
    "$@"
  )
}

# with_admin COMMAND...: tells the administrator's password as well.
with_admin() {
  OS_ADMIN_PASSWORD=$(. "$data/openrc-admin" && printf %s "$OS_PASSWORD") "$@"
}

run_part() {
  case $1 in
  openstack) in_shell "$data/openrc" bash compat/clients/openstack.sh ;;
  cinder) in_shell "$data/openrc" bash compat/clients/cinder.sh ;;
  gophercloud) (cd compat/clients/gophercloud && go run . -binaries "$work/gophercloud" -data "$data") ;;
  conform) in_shell "$data/openrc" with_admin ./breezeblock conform --quiet --dialect "$dialect" ;;
  examples) in_shell "$data/openrc" bash examples/run-all.sh ;;
  *) echo "run.sh: there is no part $1" >&2; return 2 ;;
  esac
}

for part in "$@"; do
  if [ "$part" = gophercloud ]; then
    echo "== compile gophercloud's acceptance tests"
    mkdir "$work/gophercloud"
    (cd compat/clients/gophercloud && go run . -build "$work/gophercloud")
  fi
done
for dialect in ${DIALECTS:-evs cinder}; do
  start_server "$dialect"
  for part in "$@"; do
    began=$SECONDS
    echo "== $part, dialect $dialect"
    run_part "$part" || { echo "FAILED: $part, dialect $dialect; the end of the server's log:" >&2; tail -n 15 "$work/$dialect.log" >&2; exit 1; }
    echo "== $part, dialect $dialect: $((SECONDS - began)) s"
  done
  stop_server
done
