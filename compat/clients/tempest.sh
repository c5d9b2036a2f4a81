#!/bin/bash
# Tempest's volume tests (Debian's python3-tempest) as the administrator, who
# makes a project and users for each class of tests. Run by run.sh; what must
# come out is tempest/expected. TEMPEST_TESTS narrows it to a regular expression;
# TEMPEST_LOGS=DIR keeps tempest's log of every request there.
set -euo pipefail
here=$(cd "$(dirname "$0")/tempest" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The image that volumes are made from: raw, as all images here.
head -c 1048576 /dev/urandom >"$work/image"
image=$(openstack image create --disk-format raw --container-format bare --public --file "$work/image" -f value -c id tempest)

# There is no compute, network or object service. The lock files keep two
# workers from changing one quota class at a time.
cat >"$work/tempest.conf" <<CONF
[DEFAULT]
log_dir = $work
log_file = tempest.log
use_stderr = false

[oslo_concurrency]
lock_path = $work

[auth]
admin_username = $OS_USERNAME
admin_password = $OS_PASSWORD
admin_project_name = $OS_PROJECT_NAME
admin_domain_name = $OS_USER_DOMAIN_NAME
use_dynamic_credentials = true
create_isolated_networks = false
tempest_roles = member

[identity]
uri_v3 = $OS_AUTH_URL
auth_version = v3
region = $OS_REGION_NAME

[identity-feature-enabled]
api_v2 = false
api_v3 = true

[service_available]
cinder = true
glance = true
nova = false
neutron = false
swift = false

# An interval of 0 is taken to mean this section's.
[compute]
image_ref = $image
image_ref_alt = $image
build_interval = 0
build_timeout = 60

[image]
container_formats = bare
disk_formats = raw
build_interval = 0
build_timeout = 60

[image-feature-enabled]
api_v2 = true
api_v1 = false

[volume]
catalog_type = volumev3
min_microversion = 3.0
max_microversion = 3.70
build_interval = 0
build_timeout = 60
storage_protocol = NBD
vendor_name = Breezeblock

[volume-feature-enabled]
backup = true
snapshot = true
clone = true
# What comes under management keeps the id that the storage knows it by; the tests
# of managing want a new one.
manage_snapshot = false
manage_volume = false
extend_attached_volume = true
multi_backend = false
CONF

cat >"$work/.stestr.conf" <<CONF
[DEFAULT]
test_path=/usr/lib/python3/dist-packages/tempest/test_discover
top_dir=/usr/lib/python3/dist-packages
group_regex=([^\\.]*\\.)*
CONF

cd "$work"
export OS_TEST_TIMEOUT=300 TEMPEST_CONFIG=tempest.conf TEMPEST_CONFIG_DIR=$work PYTHONDONTWRITEBYTECODE=1
tests=${TEMPEST_TESTS:-^tempest\\.api\\.volume\\.}
stestr --quiet init
stestr list "$tests" >list
# Its own status says only that something failed: the comparison below decides.
stestr run --concurrency 2 --subunit "$tests" >stream 2>errors || [ -s stream ] || { cat errors >&2; exit 1; }
[ -z "${TEMPEST_LOGS:-}" ] || cp tempest.log stream list "$TEMPEST_LOGS"
/usr/bin/python3 "$here/compare.py" ${TEMPEST_TESTS:+--part} ${RECORD:+--record} list stream "$here/expected"
