#!/bin/bash
# What an answer looks like when an update is refused: status, body, and the
# request id that the server's log has as well.
set -euo pipefail
# shellcheck source=examples/lib.sh
. "$(dirname "$0")/../lib.sh"

# refused WHAT PATH BODY [TOKEN]: prints the status and the body.
refused() {
  echo "$1"
  curl -sS --max-time 10 -X PUT "$api$2" -H "X-Auth-Token: ${4-$token}" -H 'Content-Type: application/json' -d "$3" \
    -w '\n%{http_code} %header{content-type}\n'
}

login
make_snapshot
path=/v3/$project/snapshots/$snapshot

refused "a field that cannot be changed" "$path" '{"snapshot": {"size": 9}}'
refused "a name of 256 characters" "$path" "{\"snapshot\": {\"name\": \"$(printf 'n%.0s' $(seq 256))\"}}"
refused "nothing to change" "$path" '{"snapshot": {}}'
refused "not JSON" "$path" '{"snapshot": '
refused "a snapshot that is not there" "/v3/$project/snapshots/00000000-0000-0000-0000-000000000000" '{"snapshot": {"name": "x"}}'
refused "another project in the path" "/v3/00000000000000000000000000000000/snapshots/$snapshot" '{"snapshot": {"name": "x"}}'
refused "no valid token" "$path" '{"snapshot": {"name": "x"}}' none

remove_snapshot
