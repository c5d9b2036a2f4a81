# What the examples share: a token, the address of the API, and waiting.

# login: sets token, project and api from the OS_ variables of an openrc.
login() {
  local answer headers
  headers=$(mktemp)
  answer=$(curl -sS --fail -D "$headers" -H 'Content-Type: application/json' "$OS_AUTH_URL/auth/tokens" -d '{"auth": {
    "identity": {"methods": ["password"], "password": {"user": {
      "name": "'"$OS_USERNAME"'", "password": "'"$OS_PASSWORD"'", "domain": {"name": "'"$OS_USER_DOMAIN_NAME"'"}}}},
    "scope": {"project": {"name": "'"$OS_PROJECT_NAME"'", "domain": {"name": "'"$OS_PROJECT_DOMAIN_NAME"'"}}}}}')
  token=$(awk 'tolower($1) == "x-subject-token:" { print $2 }' "$headers" | tr -d '\r')
  project=$(jq -r .token.project.id <<<"$answer")
  api=$(jq -r '.token.catalog[] | select(.type == "volumev3").endpoints[] | select(.interface == "public").url' <<<"$answer")
  api=${api%/v3/*}
  rm -f "$headers"
}

# call METHOD PATH [BODY]: prints the answer's body.
call() {
  curl -sS --max-time 10 -X "$1" "$api$2" -H "X-Auth-Token: $token" ${3:+-H 'Content-Type: application/json' -d "$3"}
}

# available PATH KEY: waits until the object is.
available() {
  local try
  for try in $(seq 50); do
    [ "$(call GET "$1" | jq -r ".$2.status")" = available ] && return 0
    sleep 0.1
  done
  echo "$1 did not become available" >&2
  return 1
}

# gone PATH: waits until the object is not there any more.
gone() {
  local try
  for try in $(seq 50); do
    call GET "$1" | jq -e 'has("itemNotFound")' >/dev/null && return 0
    sleep 0.1
  done
  echo "$1 is still there" >&2
  return 1
}

# make_snapshot: makes a volume and a snapshot of it; sets volume and snapshot.
make_snapshot() {
  volume=$(call POST "/v3/$project/volumes" '{"volume": {"size": 1, "name": "example"}}' | jq -r .volume.id)
  available "/v3/$project/volumes/$volume" volume
  snapshot=$(call POST "/v3/$project/snapshots" '{"snapshot": {"volume_id": "'"$volume"'", "name": "before"}}' | jq -r .snapshot.id)
  available "/v3/$project/snapshots/$snapshot" snapshot
}

# remove_snapshot: takes both away again.
remove_snapshot() {
  call DELETE "/v3/$project/snapshots/$snapshot"
  gone "/v3/$project/snapshots/$snapshot"
  call DELETE "/v3/$project/volumes/$volume"
  gone "/v3/$project/volumes/$volume"
}
