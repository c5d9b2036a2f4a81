#!/bin/bash
# Installs what tests need and this machine lacks: need.sh postgresql | clients | tempest | race | nbd | mount | bench.
# It installs on Debian as root; elsewhere it says what is missing and fails.
set -euo pipefail

missing=()
for what in "$@"; do
  case $what in
  postgresql)
    [ "${BREEZEBLOCK_TEST_POSTGRES:-}" = skip ] && continue
    command -v initdb >/dev/null || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || missing+=(postgresql)
    ;;
  clients)
    command -v openstack >/dev/null || missing+=(python3-openstackclient)
    command -v cinder >/dev/null || missing+=(python3-cinderclient)
    /usr/bin/python3 -c 'import openstack' 2>/dev/null || missing+=(python3-openstacksdk)
    command -v jq >/dev/null || missing+=(jq)
    command -v curl >/dev/null || missing+=(curl)
    ;;
  tempest)
    command -v tempest >/dev/null || missing+=(python3-tempest)
    command -v stestr >/dev/null || missing+=(python3-stestr)
    ;;
  nbd) # clients of the data path
    [ "${BREEZEBLOCK_TEST_NBD_TOOLS:-}" = skip ] && continue
    command -v nbdinfo >/dev/null || missing+=(libnbd-bin)
    command -v nbdfuse >/dev/null || missing+=(nbdfuse)
    command -v qemu-io >/dev/null || missing+=(qemu-utils)
    command -v fio >/dev/null || missing+=(fio)
    ;;
  mount) # file systems on loop devices
    [ "${BREEZEBLOCK_TEST_MOUNT:-}" = skip ] && continue
    command -v mkfs.ext4 >/dev/null || missing+=(e2fsprogs)
    command -v losetup >/dev/null || missing+=(mount)
    command -v mkfs.xfs >/dev/null || missing+=(xfsprogs)
    command -v mkfs.btrfs >/dev/null || missing+=(btrfs-progs)
    ;;
  bench) # load for make bench, and the servers it measures ours against
    command -v wrk >/dev/null || missing+=(wrk)
    command -v fio >/dev/null || missing+=(fio)
    command -v qemu-nbd >/dev/null || missing+=(qemu-utils)
    command -v qemu-storage-daemon >/dev/null || missing+=(qemu-system-common)
    ;;
  race) # the race detector is linked by a C compiler
    command -v "$(go env CC)" >/dev/null || missing+=(gcc libc6-dev)
    ;;
  *)
    echo "need.sh: it does not know $what" >&2
    exit 2
    ;;
  esac
done
[ ${#missing[@]} -eq 0 ] && exit 0

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  echo "These Debian packages, or their like, are needed: ${missing[*]}" >&2
  echo "As root on Debian they are installed by this script. Without them: BREEZEBLOCK_TEST_POSTGRES=skip, BREEZEBLOCK_TEST_NBD_TOOLS=skip, BREEZEBLOCK_TEST_MOUNT=skip" >&2
  exit 1
fi
echo "installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
apt-get -qq update </dev/null
# Debian 12 has nbdfuse in libnbd-bin, where others have a package of that name.
apt-cache policy nbdfuse | grep -q 'Candidate: [0-9]' || missing=("${missing[@]/#nbdfuse/libnbd-bin}")
apt-get -qq install --no-install-recommends "${missing[@]}" </dev/null >/dev/null
