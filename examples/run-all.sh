#!/bin/bash
# Runs every example and compares what it prints with its expected-DIALECT.txt;
# ids, times and addresses are replaced by their names. UPDATE=1 writes the files.
set -euo pipefail
cd "$(dirname "$0")"

same() {
  sed -E -e 's/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/UUID/g' \
    -e 's/[0-9a-f]{32}/PROJECT/g' \
    -e 's/[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{6}/TIME/g' \
    -e 's#https?://127\.0\.0\.1:[0-9]+#URL#g'
}

passed=0
for example in */run.sh; do
  folder=$(dirname "$example")
  if [ "${BREEZEBLOCK_TEST_NBD_TOOLS:-}" = skip ] && grep -q nbdcopy "$example"; then
    echo "left out: $example (BREEZEBLOCK_TEST_NBD_TOOLS=skip)"
    continue
  fi
  expected=$folder/expected-${DIALECT:-evs}.txt
  got=$(bash "$example" 2>&1 | same)
  if [ -n "${UPDATE:-}" ]; then
    printf '%s\n' "$got" >"$expected"
  fi
  if ! diff -u "$expected" <(printf '%s\n' "$got"); then
    echo "FAILED: $example does not print what $expected says" >&2
    exit 1
  fi
  passed=$((passed + 1))
done
echo "examples: $passed passed, 0 failed"
