#!/bin/bash
# Debian's openstack client (python3-openstackclient) as user demo: the first
# things a person does, each checked on its JSON. Run by run.sh.
set -euo pipefail
# shellcheck source=compat/clients/lib.sh
. "$(dirname "$0")/lib.sh"
o() { run openstack "$@" -f json; }

step "a token for the project"
o token issue
want '.id != "" and (.project_id | test("^[0-9a-f]{32}$"))'
project=$(jq -r .project_id <<<"$out")

step "the catalog"
o catalog list
for type in identity volumev2 volumev3 block-storage image; do want "any(.[]; .Type == \"$type\")"; done

step "my projects"
o project list --my-projects
want "any(.[]; .ID == \"$project\" and .Name == \"demo\")"

step "volume types"
o volume type list
want 'any(.[]; .Name == "__DEFAULT__") and any(.[]; .Name == "SSD")'

# This client's quota show and limits show ask for a compute service first:
# quotas and limits are in cinder.sh.
step "availability zones and extensions"
o availability zone list --volume
want '. == [{"Zone Name": "az1", "Zone Status": "available"}]'
o extension list --volume
want 'length > 0'

step "create a volume"
o volume create --size 1 --description 'for the client test' --property purpose=test v
want '.size == 1 and .name == "v" and .properties.purpose == "test"'
until_true '.status == "available"' openstack volume show v -f json

step "create a snapshot"
o volume snapshot create --volume v s
want '.name == "s" and .size == 1'
id=$(jq -r .id <<<"$out")
until_true '.status == "available"' openstack volume snapshot show s -f json

step "rename and describe the snapshot"
run openstack volume snapshot set --name snap-001 --description 'Daily backup' s

step "show it by its new name"
o volume snapshot show snap-001
want ".id == \"$id\" and .name == \"snap-001\" and .description == \"Daily backup\" and .updated_at != null"

step "the old name is gone"
refused 'No snapshot' openstack volume snapshot show s -f json

step "set properties"
run openstack volume snapshot set --property week=47 --property kept=no snap-001
o volume snapshot show snap-001
want '.properties.week == "47" and .properties.kept == "no"'

step "unset a property"
run openstack volume snapshot unset --property kept snap-001
o volume snapshot show snap-001
want '.properties == {"week": "47"}'

step "a name that is too long is refused and changes nothing"
refused 'name' openstack volume snapshot set --name "$(printf 'n%.0s' $(seq 256))" snap-001
o volume snapshot show snap-001
want '.name == "snap-001"'

step "list snapshots, by name and in long form"
o volume snapshot list --name snap-001 --long
want "length == 1 and .[0].ID == \"$id\" and .[0].Status == \"available\""

step "rename and describe the volume, set and unset a property"
run openstack volume set --name vol-001 --description 'Database' --property a=1 --property b=2 v
run openstack volume unset --property a vol-001
o volume show vol-001
want '.description == "Database" and .properties.b == "2" and (.properties | has("a") | not)'

step "extend the volume"
run openstack volume set --size 2 vol-001
until_true '.status == "available" and .size == 2' openstack volume show vol-001 -f json

step "list volumes"
o volume list --long
want 'length == 1 and .[0].Name == "vol-001" and .[0].Size == 2'

step "a volume with a snapshot is not deleted"
refused 'nvalid volume' openstack volume delete vol-001

step "delete the snapshot and wait until it is gone"
run openstack volume snapshot delete snap-001
until_gone openstack volume snapshot show "$id" -f json

step "delete the volume and wait until it is gone"
run openstack volume delete vol-001
until_gone openstack volume show vol-001 -f json

step "nothing is left"
o volume list
want '. == []'
o volume snapshot list
want '. == []'

step "another client's words: an administrator lists all projects"
# shellcheck disable=SC1091
. "$DATA/openrc-admin"
o project list
want 'any(.[]; .Name == "admin") and any(.[]; .Name == "demo")'
o user list
want 'any(.[]; .Name == "demo")'

echo "openstack: $steps passed, 0 failed"
