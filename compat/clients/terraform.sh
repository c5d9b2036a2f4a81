#!/bin/bash
# terraform-provider-huaweicloud, every EVS resource and data source of it, as user demo
# with an access key and once with a password. Run by run.sh, with PROVIDER the folder
# of the provider's binary, IAM the identity listener and OLD two disks of an age for
# the recycle bin. What becomes of each type is in terraform/types.tsv.
set -euo pipefail
here=$(cd "$(dirname "$0")/terraform" && pwd)
# shellcheck source=compat/clients/lib.sh
. "$here/../lib.sh"
command -v terraform >/dev/null || fail "terraform is needed, 1.5 or later, on the PATH: https://developer.hashicorp.com/terraform/install"
command -v jq >/dev/null || fail "jq is needed"

work=$(mktemp -d)
trap 'rm -rf "$work" "$errors"' EXIT
# The provider comes from a folder and not from a registry; nothing of the user's own
# configuration is read or written.
cat >"$work/rc" <<CONF
provider_installation {
  dev_overrides {
    "huaweicloud/huaweicloud" = "$PROVIDER"
  }
  direct {}
}
disable_checkpoint = true
CONF

eval "$("$BREEZEBLOCK" keys access create)"
token=$(curl -sSi --max-time 10 -H 'Content-Type: application/json' "$OS_AUTH_URL/auth/tokens" -d @- <<BODY | tr -d '\r' | sed -n 's/^X-Subject-Token: //Ip'
{"auth": {"identity": {"methods": ["password"], "password": {"user": {"name": "$OS_USERNAME", "password": "$OS_PASSWORD", "domain": {"name": "Default"}}}},
  "scope": {"project": {"name": "$OS_REGION_NAME", "domain": {"name": "Default"}}}}}
BODY
)
[ -n "$token" ] || fail "no token"

export TF_CLI_CONFIG_FILE=$work/rc TF_IN_AUTOMATION=1 TF_INPUT=0
export TF_VAR_service=$URL TF_VAR_iam=$IAM TF_VAR_region=$OS_REGION_NAME TF_VAR_other_project=$OS_PROJECT_NAME
export TF_VAR_access_key=$HUAWEICLOUD_SDK_AK TF_VAR_secret_key=$HUAWEICLOUD_SDK_SK
TF_VAR_old=$(jq -cn '$ARGS.positional' --args -- $OLD)
export TF_VAR_old

# tf SCENE COMMAND...: the provider reads OS_… and HW_… variables, which are not meant for it.
tf() {
  local scene=$1
  shift
  (
    for name in $(compgen -e | grep -E '^(OS|HW)_|^HUAWEICLOUD_'); do unset "$name"; done
    cd "$work/$scene" && terraform "$@" -no-color
  )
}

# stage SCENE: a folder with the scene's files and the provider's.
stage() {
  mkdir "$work/$1"
  cp "$here/scenes/provider.tf" "$here/scenes/$1"/*.tf "$work/$1"
}

# apply SCENE [ARGUMENTS]: applies, keeps the values in out and notes the types seen.
apply() {
  local scene=$1
  shift
  run tf "$scene" apply -auto-approve "$@"
  run tf "$scene" show -json
  jq -r '.values.root_module.resources[] | "\(.mode)\t\(.type)"' <<<"$out" >>"$work/seen"
}

# holds: every promise among the scene's outputs is true; each is a step of its own.
holds() {
  local wrong
  wrong=$(jq -r '.values.outputs.holds.value | to_entries[] | select(.value != true) | .key' <<<"$out")
  [ -z "$wrong" ] || fail "these do not hold:" "$wrong" "$(jq -c --arg wrong "$wrong" '.values.root_module.resources[] | select(.type as $t | $wrong | contains($t + ":")) | [.address, .values]' <<<"$out")"
  steps=$((steps + $(jq '.values.outputs.holds.value | length' <<<"$out")))
}

# same SCENE [ARGUMENTS]: what is read back is what was asked for: the plan is empty.
same() {
  local scene=$1
  shift
  out=$(tf "$scene" plan -detailed-exitcode "$@" 2>&1) || fail "the plan is not empty:" "$out"
}

# api PATH: a GET below the project named like the region.
api() { curl -sS --max-time 10 -H "X-Auth-Token: $token" "$URL$1"; }

step "everything that lasts: apply"
stage lasting
apply lasting
holds
step "everything that lasts: the plan is empty"
same lasting
step "names, descriptions, tags, sizes, types, IOPS are changed"
apply lasting -var changed=true
holds
step "changed: the plan is empty"
same lasting -var changed=true

# What an import cannot know: arguments of deletion and creation, and what the
# provider keeps for itself.
forgotten='["cascade", "force", "instant_access", "metadata_origin", "volume_ids"]'
run tf lasting apply -refresh-only -auto-approve -var changed=true # one resource changed another's disk
tf lasting show -json >"$work/applied"
mkdir "$work/imported"
cp "$work/lasting"/*.tf "$work/imported"
for address in huaweicloud_evs_volume.native huaweicloud_evs_volume.scsi huaweicloud_evs_volume.fast huaweicloud_evsv3_volume.v3 \
  huaweicloud_evs_snapshot.native huaweicloud_evsv3_snapshot.v3 huaweicloud_evsv5_snapshot.v5 huaweicloud_evs_snapshot_group.both; do
  step "import $address: as it was"
  id=$(jq -r --arg a "$address" '.values.root_module.resources[] | select(.address == $a) | .values.id' "$work/applied")
  run tf imported import -var changed=true "$address" "$id"
  run tf imported show -json
  out=$(jq -n --arg a "$address" --argjson forgotten "$forgotten" --slurpfile was "$work/applied" --argjson is "$out" '
    def of($s): $s.values.root_module.resources[] | select(.address == $a) | .values;
    of($was[0]) as $was | of($is) as $is
    | [$was | keys[] | select(. as $k | ($forgotten | index($k) | not) and $was[$k] != $is[$k])] as $differ
    | {differ: $differ, was: ($was | with_entries(select(.key as $k | $differ | index($k)))), is: ($is | with_entries(select(.key as $k | $differ | index($k))))}')
  want '.differ == []'
done

step "a snapshot that was changed behind Terraform's back is seen"
id=$(jq -r '.values.root_module.resources[] | select(.address == "huaweicloud_evs_snapshot.native") | .values.id' "$work/applied")
project=$(curl -sS --max-time 10 -H "X-Auth-Token: $token" "$OS_AUTH_URL/projects?name=$OS_REGION_NAME" | jq -r '.projects[0].id')
curl -sSf --max-time 10 -o "$work/put" -X PUT -H "X-Auth-Token: $token" -H 'Content-Type: application/json' "$URL/v3/$project/snapshots/$id" -d '{"snapshot": {"name": "by hand"}}'
out=$(tf lasting plan -detailed-exitcode -var changed=true 2>&1) && fail "the plan is empty"
case $out in *'"by hand" -> "native'*) ;; *) fail "got: $out" ;; esac

step "everything that lasts: destroy"
run tf lasting destroy -auto-approve -var changed=true

step "what is done once: roll back, extend many, change the type, unsubscribe"
stage actions
apply actions
holds
step "what is done once: destroy"
run tf actions destroy -auto-approve

step "another project accepts two disks"
stage transfer
apply transfer
holds
step "the disks have left their first project"
run api "/v3/$project/volumes"
want '[.volumes[].name] | any(startswith("given")) | not'

step "the recycle bin is switched on, two old disks are taken over"
stage deleted
apply deleted
holds
step "destroyed, they are in the recycle bin; one is taken back, one deleted for good"
run tf deleted destroy -auto-approve
stage reverted
apply reverted
holds
until_true '.error.code == "EVS.5404"' api "/v3/$project/recycle-bin-volumes/${OLD#* }"

step "a disk that is paid for in advance is refused"
stage prepaid
refused EVS.2147 tf prepaid apply -auto-approve

step "log in with a password"
stage password
unset TF_VAR_access_key TF_VAR_secret_key
export TF_VAR_user=$OS_USERNAME TF_VAR_password=$OS_PASSWORD
apply password
holds
run tf password destroy -auto-approve

step "every EVS type of the provider was seen, or is known not to work"
run tf lasting providers schema -json
jq -r '.provider_schemas[] | (.resource_schemas | keys[] | "managed\t" + .), (.data_source_schemas | keys[] | "data\t" + .) | select(test("\thuaweicloud_evs"))' <<<"$out" | sort >"$work/has"
awk -F '\t' -v OFS='\t' '!/^#/ { print $1, $2 }' "$here/types.tsv" | sort >"$work/known"
out=$(diff "$work/has" "$work/known") || fail "types.tsv is not the provider's list:" "$out"
out=$(diff <(awk -F '\t' -v OFS='\t' '!/^#/ && $3 == "works" { print $1, $2 }' "$here/types.tsv" | sort) <(sort -u "$work/seen" | grep -P '\thuaweicloud_evs')) || fail "seen, and said to work:" "$out"

echo "terraform: $steps passed, 0 failed"
