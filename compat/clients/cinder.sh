#!/bin/bash
# Debian's cinder client (python3-cinderclient) as user demo. It prints tables
# only, so what it did is checked through the API with curl. Run by run.sh.
set -euo pipefail
# shellcheck source=compat/clients/lib.sh
. "$(dirname "$0")/lib.sh"

token=$(openstack token issue -f value -c id)
# api PATH: a GET below the project, on v3.
api() { curl -sS --max-time 10 -H "X-Auth-Token: $token" "$URL/v3/$project$1"; }
project=$(openstack token issue -f value -c project_id)

# cell TEXT NAME: the value of a row of a cinder table.
cell() { awk -F '|' -v name="$2" '{ gsub(/^ +| +$/, "", $2); gsub(/^ +| +$/, "", $3); if ($2 == name) print $3 }' <<<"$1"; }

step "create a volume"
run cinder create --name v --description 'for the client test' --metadata purpose=test 1
volume=$(cell "$out" id)
until_true '.volume.status == "available" and .volume.metadata.purpose == "test"' api "/volumes/$volume"

step "create a snapshot"
run cinder snapshot-create --name s v
snapshot=$(cell "$out" id)
until_true '.snapshot.status == "available"' api "/snapshots/$snapshot"

step "rename and describe the snapshot"
run cinder snapshot-rename s snap-001 --description 'Daily backup'
run api "/snapshots/$snapshot"
want '.snapshot.name == "snap-001" and .snapshot.description == "Daily backup" and .snapshot.updated_at != null'

step "show it by its new name"
run cinder snapshot-show snap-001
[ "$(cell "$out" id)" = "$snapshot" ] || fail "got: $out"
[ "$(cell "$out" status)" = available ] || fail "got: $out"

step "set and unset metadata"
run cinder snapshot-metadata snap-001 set week=47 kept=no
run cinder snapshot-metadata snap-001 unset kept
run api "/snapshots/$snapshot"
want '.snapshot.metadata == {"week": "47"}'

step "replace all metadata"
run cinder snapshot-metadata-update-all snap-001 only=this
run api "/snapshots/$snapshot"
want '.snapshot.metadata == {"only": "this"}'

step "list snapshots"
run cinder snapshot-list --name snap-001
case $out in *"$snapshot"*) ;; *) fail "got: $out" ;; esac

step "rename the volume, set metadata, extend"
run cinder rename v vol-001 --description Database
run cinder metadata vol-001 set a=1
run cinder extend vol-001 2
until_true '.volume.name == "vol-001" and .volume.size == 2 and .volume.metadata.a == "1" and .volume.status == "available"' api "/volumes/$volume"

step "list volumes, types, quotas, limits, zones, extensions"
run cinder list
case $out in *vol-001*) ;; *) fail "got: $out" ;; esac
run cinder type-list
case $out in *SSD*) ;; *) fail "got: $out" ;; esac
run cinder quota-show "$project"
[ "$(cell "$out" snapshots)" = 10 ] || fail "got: $out"
run cinder absolute-limits
case $out in *maxTotalVolumes*) ;; *) fail "got: $out" ;; esac
run cinder availability-zone-list
case $out in *az1*) ;; *) fail "got: $out" ;; esac

step "a name that is too long is refused and changes nothing"
refused 'name' cinder snapshot-rename snap-001 "$(printf 'n%.0s' $(seq 256))"
run api "/snapshots/$snapshot"
want '.snapshot.name == "snap-001"'

step "delete both and wait until they are gone"
run cinder snapshot-delete snap-001
until_true 'has("itemNotFound")' api "/snapshots/$snapshot"
run cinder delete vol-001
until_true 'has("itemNotFound")' api "/volumes/$volume"

echo "cinder: $steps passed, 0 failed"
