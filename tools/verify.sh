#!/bin/bash
# Fails when the format, go.mod, a made page or an arrow is not as it should be.
set -euo pipefail
cd "$(dirname "$0")/.."

unformatted=$(gofmt -l .)
if [ -n "$unformatted" ]; then
  echo "not formatted, run gofmt -w: $unformatted" >&2
  exit 1
fi
go vet ./...
go mod tidy -diff
(cd compat/clients/gophercloud && go mod tidy -diff && go vet ./...)
(cd compat/clients/huaweicloud && go mod tidy -diff && go vet ./...)
go run ./tools/gendocs -check
go test -count=1 .
for script in $(git ls-files '*.sh' .ci/run 2>/dev/null || find . -name '*.sh'); do
  bash -n "$script"
done
