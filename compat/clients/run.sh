#!/bin/bash
# Starts a fresh breezeblock in each dialect and runs the named parts against it:
#   run.sh openstack cinder every-openstack every-cinder sdk tempest gophercloud huaweicloud terraform examples conform
# DIALECTS=evs keeps it to one dialect. The binary is ./breezeblock (make build).
# What passes is compared with counts.tsv; RECORD=1 writes that file anew.
set -euo pipefail
cd "$(dirname "$0")/../.."
[ $# -gt 0 ] || { sed -n '2,6s/^# //p' "$0" >&2; exit 2; }

work=$(mktemp -d)
server=
stop_server() {
  [ -n "$server" ] || return 0
  kill -TERM "$server" 2>/dev/null || true
  wait "$server" || { echo "the server ended with status $?" >&2; tail -n 20 "$work"/*.log >&2; server=; return 1; }
  server=
}
trap 'stop_server; rm -rf "$work"' EXIT

# start_server DIALECT: sets url, iam and data.
start_server() {
  data=$work/data-$1
  ./breezeblock serve --data "$data" --listen 127.0.0.1:0 --identity-listen 127.0.0.1:0 --dialect "$1" >"$work/$1.out" 2>"$work/$1.log" </dev/null &
  server=$!
  for _ in $(seq 300); do
    url=$(sed -n 's/^Breezeblock serves \([^ ]*\) .*/\1/p' "$work/$1.out")
    iam=$(sed -n 's/^identity also at //p' "$work/$1.out")
    [ -n "$url" ] && [ -n "$iam" ] && return 0
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

# old_disks NAME...: makes disks that are old enough for the recycle bin, for which the
# server is stopped and started again, and sets old to their ids.
old_disks() {
  local ids
  ids=$(/usr/bin/python3 compat/clients/old_disks.py make "$data/openrc" "$@")
  stop_server
  # shellcheck disable=SC2086 # an id has no blanks
  /usr/bin/python3 compat/clients/old_disks.py age "$data/breezeblock.db" $ids
  start_server "$dialect"
  old=$(paste -sd ' ' <<<"$ids")
}

# with_admin COMMAND...: tells the administrator's password as well.
with_admin() {
  OS_ADMIN_PASSWORD=$(. "$data/openrc-admin" && printf %s "$OS_PASSWORD") "$@"
}

# commands SCRIPT: one of the scripts over every command, which log in themselves.
commands() {
  DATA=$data DIALECT=$dialect PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 "compat/clients/commands/$1"
}

run_part() {
  case $1 in
  openstack) in_shell "$data/openrc" bash compat/clients/openstack.sh ;;
  cinder) in_shell "$data/openrc" bash compat/clients/cinder.sh ;;
  every-openstack) commands osc.py ;;
  every-cinder) commands cinder_shell.py ;;
  sdk) commands sdk.py ;;
  tempest) in_shell "$data/openrc-admin" bash compat/clients/tempest.sh ;;
  gophercloud) (cd compat/clients/gophercloud && go run . -binaries "$work/gophercloud" -data "$data") ;;
  huaweicloud) (cd compat/clients/huaweicloud && go run . -data "$data" -iam "$iam" -breezeblock ../../../breezeblock -old "$old") ;;
  terraform) PROVIDER=$(dirname "$(provider)") IAM=$iam OLD=$old in_shell "$data/openrc" bash compat/clients/terraform.sh ;;
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

# provider: the binary of terraform-provider-huaweicloud, kept in Go's build cache. The
# flags are its own: with others all of it would be compiled again.
provider() { (cd compat/clients/terraform && GOFLAGS=-trimpath go tool -n terraform-provider-huaweicloud); }

# version PART: the client and its version, for the table.
version() {
  case $1 in
  openstack | every-openstack) openstack --version ;;
  cinder | every-cinder) echo "cinder $(cinder --version 2>&1)" ;;
  sdk) /usr/bin/python3 -c 'import openstack.version as v; print("openstacksdk", v.__version__)' ;;
  tempest) tempest --version ;;
  gophercloud) (cd compat/clients/gophercloud && go list -m -f 'gophercloud {{.Version}}' github.com/gophercloud/gophercloud/v2) ;;
  huaweicloud) (cd compat/clients/huaweicloud && go list -m -f '{{.Version}}' github.com/huaweicloud/huaweicloud-sdk-go-v3 github.com/opentelekomcloud/gophertelekomcloud | paste -sd ' ' | sed 's/\(.*\) \(.*\)/huaweicloud-sdk-go-v3 \1, gophertelekomcloud \2/') ;;
  terraform) echo "terraform $(TF_CLI_CONFIG_FILE=/dev/null terraform version -json | jq -r .terraform_version), $(cd compat/clients/terraform && go list -m -f 'terraform-provider-huaweicloud {{.Version}}' github.com/huaweicloud/terraform-provider-huaweicloud)" ;;
  *) return 1 ;; # not a client
  esac
}

# count PART: adds the last line of a part's output, "PART: 3 passed, 0 failed,
# 1 skipped", to the counts as PART, dialect, passed, failed, skipped, version.
count() {
  local client line='^[a-z]+: ([0-9]+) passed, ([0-9]+) failed(, ([0-9]+) (skipped|left out))?$'
  client=$(version "$1") || return 0
  [[ $(grep -E "$line" "$work/output" | tail -n 1) =~ $line ]] || { echo "$1 did not say how many passed" >&2; return 1; }
  printf '%s\t%s\t%s\t%s\t%s\t%s\n' "$1" "$dialect" "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}" "${BASH_REMATCH[4]:-0}" "$client" >>"$work/counts"
}

touch "$work/counts"
for dialect in ${DIALECTS:-evs cinder}; do
  start_server "$dialect"
  for part in "$@"; do
    # Tempest is what tells whether this is Cinder; EVS never promised that. Why
    # the SDK cannot use 3.50 is in its script.
    # The provider is for EVS alone.
    case $part/$dialect in tempest/evs | sdk/evs | terraform/cinder) continue ;; esac
    began=$SECONDS
    echo "== $part, dialect $dialect"
    case $part in huaweicloud) old_disks old ;; terraform) old_disks 'old 0' 'old 1' ;; esac
    run_part "$part" | tee "$work/output" || { echo "FAILED: $part, dialect $dialect; the end of the server's log:" >&2; tail -n 15 "$work/$dialect.log" >&2; exit 1; }
    count "$part"
    echo "== $part, dialect $dialect: $((SECONDS - began)) s"
  done
  stop_server
done

# The kept counts: fewer passed, or more failed, is a step back. Rows of parts
# that were not run stay as they are.
kept=compat/clients/counts.tsv
awk -F '\t' -v OFS='\t' -v say=/dev/stderr '
  NR == FNR { if ($0 !~ /^#/) { passed[$1, $2] = $3; failed[$1, $2] = $4 } next }
  (($1, $2) in passed) && ($3 < passed[$1, $2] || $4 > failed[$1, $2]) {
    print $1 ", dialect " $2 ": " $3 " passed and " $4 " failed, but it was " passed[$1, $2] " and " failed[$1, $2] > say; worse = 1 }
  (($1, $2) in passed) && $3 > passed[$1, $2] { print $1 ", dialect " $2 ": more passed; RECORD=1 keeps that" }
  END { exit worse }' "$kept" "$work/counts"
if [ -n "${RECORD:-}" ]; then
  {
    grep '^#' "$kept"
    awk -F '\t' 'NR == FNR { new[$1, $2] = 1; print; next } /^#/ { next } !(($1, $2) in new)' "$work/counts" "$kept" | sort
  } >"$work/kept"
  cp "$work/kept" "$kept"
  go run ./tools/gendocs
fi
