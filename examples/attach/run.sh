#!/bin/bash
# Attaches a volume to this machine, writes to it, takes a snapshot, writes over it,
# rolls back, and reads what is there. Needs nbdinfo and nbdcopy (Debian: libnbd-bin),
# and runs on the machine of the server.
set -euo pipefail
# shellcheck source=examples/lib.sh
. "$(dirname "$0")/../lib.sh"
breezeblock=${BREEZEBLOCK:-./breezeblock}

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# fill TEXT: makes the volume's bytes those of a file that begins with TEXT.
fill() {
  rm -f "$folder/up"
  truncate -s 1G "$folder/up"
  echo "$1" | dd of="$folder/up" conv=notrunc status=none
  nbdcopy --flush "$folder/up" "$uri"
}

# tell: prints what the volume's bytes begin with.
tell() {
  nbdcopy "$uri" "$folder/down"
  head -n 1 "$folder/down"
}

login
volume=$(call POST "/v3/$project/volumes" '{"volume": {"size": 1, "name": "example"}}' | jq -r .volume.id)
available "/v3/$project/volumes/$volume" volume

echo "breezeblock attach --quiet: the address of the bytes, a secret"
uri=$("$breezeblock" attach --quiet "$volume")
echo "${uri%%:*}, $(nbdinfo --size "$uri") bytes"

fill "what was first"
tell
echo "a snapshot, while the volume is attached"
snapshot=$(call POST "/v3/$project/snapshots" '{"snapshot": {"volume_id": "'"$volume"'", "force": true}}' | jq -r .snapshot.id)
available "/v3/$project/snapshots/$snapshot" snapshot
fill "what was written over it"
tell

echo "breezeblock detach: the address opens nothing any more"
"$breezeblock" detach "$volume" >"$folder/said"
nbdinfo "$uri" >/dev/null 2>&1 && { echo "it still opens the volume" >&2; exit 1; }

echo "rolled back to the snapshot, and attached again"
call POST "/v3/$project/os-vendor-snapshots/$snapshot/rollback" '{"rollback": {"volume_id": "'"$volume"'"}}' | jq -c .
available "/v3/$project/volumes/$volume" volume
uri=$("$breezeblock" attach --quiet "$volume")
tell
"$breezeblock" detach "$volume" >"$folder/said"

remove_snapshot
