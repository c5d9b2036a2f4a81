#!/bin/bash
# Updates a snapshot with curl, on both versions of the API.
set -euo pipefail
# shellcheck source=examples/lib.sh
. "$(dirname "$0")/../lib.sh"

login
make_snapshot

echo "PUT /v3/{project_id}/snapshots/{snapshot_id}"
call PUT "/v3/$project/snapshots/$snapshot" '{"snapshot": {"name": "snap-001", "description": "Daily backup"}}' | jq .

echo "PUT /v2/{project_id}/snapshots/{snapshot_id}: the description alone; the name stays"
call PUT "/v2/$project/snapshots/$snapshot" '{"snapshot": {"description": "Weekly backup"}}' | jq .

echo "GET, without the project in the path"
call GET "/v3/snapshots/$snapshot" | jq '.snapshot | {name, description, status}'

remove_snapshot
