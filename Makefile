# Everything is done through these targets; `make` alone lists them.
# A fresh machine needs Go and make; `make test` also sets up PostgreSQL.

.DEFAULT_GOAL := help
.PHONY: help run build test test-fast check conform clients clients-evs tempest terraform fuzz bench long soak gen verify lint examples race allocs need-tools need-clients
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c

# A clone that belongs to another user (root in a container) has no version stamp.
BUILDVCS := $(shell git status >/dev/null 2>&1 && echo auto || echo false)
export GOFLAGS ?= -buildvcs=$(BUILDVCS)

DATA ?= breezeblock-data
DIALECT ?= evs
TIME ?= 30s

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: build ## build and serve on loopback; prints what to paste (DATA=folder DIALECT=evs|cinder)
	@exec ./breezeblock serve --data '$(DATA)' --dialect '$(DIALECT)' --log-level warn

build: ## make the static binary ./breezeblock
	CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o breezeblock ./cmd/breezeblock

test: need-tools ## vet, then all tests on SQLite and PostgreSQL; before each commit
	go vet ./...
	go test ./...

test-fast: ## all tests on SQLite only; seconds
	BREEZEBLOCK_TEST_POSTGRES=skip BREEZEBLOCK_TEST_NBD_TOOLS=skip BREEZEBLOCK_TEST_MOUNT=skip go test -short ./...

check: need-tools verify lint race allocs ## tests with the race detector in shuffled order, linters, verify; before sending

race: need-tools
	@tools/need.sh race
	go test -race -shuffle=on ./...

allocs: ## the tests that hold allocations per operation, without the race detector
	go test -count=1 -run 'Alloc|CostNothing' ./...

conform: build ## the black-box suite: against URL=… (its /v3 identity address, with OS_USERNAME and so on set), or a server of its own
	@if [ -n '$(URL)' ]; then OS_AUTH_URL='$(URL)' ./breezeblock conform; else compat/clients/run.sh conform; \
	  go test -count=1 -v -run Recorded ./compat >breezeblock-fidelity.log 2>&1 || { grep -E '^ *--- FAIL|wrong' breezeblock-fidelity.log; exit 1; }; \
	  grep -o 'fidelity, .*' breezeblock-fidelity.log; rm breezeblock-fidelity.log; fi

clients: build need-clients ## the stock clients (openstack, cinder, SDK, tempest, gophercloud) against our binary, in both dialects
	compat/clients/run.sh openstack cinder every-openstack every-cinder sdk tempest gophercloud

clients-evs: build ## the vendor's Go SDK and gophertelekomcloud with an access key against our binary, in both dialects; compiling them takes a minute the first time
	compat/clients/run.sh huaweicloud

tempest: build need-clients ## tempest's volume tests alone (TEMPEST_TESTS=regular expression for some of them)
	DIALECTS=cinder compat/clients/run.sh tempest

terraform: build ## terraform-provider-huaweicloud, every EVS resource and data source, against our binary; compiling it takes some six minutes and 3 GB the first time
	@command -v terraform >/dev/null || { echo 'terraform is needed, 1.5 or later, on the PATH: https://developer.hashicorp.com/terraform/install' >&2; exit 1; }
	@command -v jq >/dev/null || { echo 'jq is needed' >&2; exit 1; }
	compat/clients/run.sh terraform

examples: build ## run examples/ and compare what they print
	@tools/need.sh nbd
	compat/clients/run.sh examples

fuzz: ## every fuzz test for TIME=30s
	tools/fuzz.sh '$(TIME)'

bench: build ## ratios against the limits of this machine, as docs/benchmarks.md explains
	@tools/need.sh bench
	go run ./tools/bench

long: need-tools ## long fuzzing, crash and kill suites; before a release
	BREEZEBLOCK_TEST_LONG=1 go test -count=1 -timeout 60m ./...
	tools/fuzz.sh 10m

soak: need-tools ## random histories against the model for TIME=30s from SEED=number, which it prints; with restarts, faults and kill -9
	BREEZEBLOCK_SOAK='$(TIME)' BREEZEBLOCK_SEED='$(or $(SEED),$(shell date +%s))' go test -count=1 -timeout 0 -run 'TestSoak' -v ./internal/proof

gen: ## write the pages of docs/ that are made from tables in code
	go run ./tools/gendocs

verify: ## fail when format, go.mod, a made page or an arrow is not as it should be
	tools/verify.sh

lint: ## golangci-lint as .golangci.yml says; the first time it is compiled, which takes minutes
	go tool -modfile=tools/lint/go.mod golangci-lint run ./...

need-tools:
	@tools/need.sh postgresql nbd mount

need-clients:
	@tools/need.sh clients tempest
