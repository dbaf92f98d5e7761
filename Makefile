# make test does all its own set-up and runs everything; make help lists the rest.
#
# Microsoft's Graph SDK takes minutes to compile, and every combination of build flags compiles it anew. So there are
# just two: the product's flags, below, for everything (the program, vet, staticcheck, random play, the real server's tests
# and the program that they build), and the race detector for the unit tests and the suites of the bridges.

SHELL       := /bin/bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS   += --no-print-directory
.DEFAULT_GOAL := help
.PHONY: help test computes waits setup lint format vet staticcheck vulnerabilities build deb release play postgres postgres-crashes race e2e chaos chaos-test chaos-mutants run demo demo-mattermost bench bench-test bench-talks profile fuzz clean

export PATH        := $(PATH):/usr/sbin:/usr/local/go/bin
export CGO_ENABLED := 0
export GOFLAGS     := $(strip $(GOFLAGS) -trimpath)

CONFIG     ?= config.toml
SEEDS      ?= 3000
RACE_SEEDS ?= 300
FUZZTIME   ?= 30s

# One thing after the other, but for the two halves of make test.
ifneq ($(MAKECMDGOALS),computes waits)
.NOTPARALLEL:
endif

# go test says "no test files" of packages without any: not worth a line.
quiet = { grep -v 'no test files' || true; }

help: ## this list
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/make \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 24

# The real server and chaos wait most of the time, and everything else computes: so one half fills the pauses of the other, and is nice enough
# not to be what the other waits for. What a part says comes when it is over. Both halves are run to their ends though the other has failed.
test: setup lint build ## sets up what is missing, then lint, build, unit and race tests, random play, suites, real server, chaos
	@echo "now all the rest, in two halves at the same time: this takes a while"
	@$(MAKE) --jobs=2 --output-sync=target --keep-going computes waits

computes:
	@nice -n 3 $(MAKE) play postgres race bench-test

waits: e2e chaos-test

# What the tests need of the machine. Nothing is installed that is there, so that a further run needs no network. Where one of the extras has no package, only its tests
# are left out. Servers that are installed are not started (policy-rc.d, as Debian's policy has it): the tests start their own. Debian enables them for the next
# boot nevertheless. A policy that a killed setup has left is removed by the next.
setup: policy := /usr/sbin/policy-rc.d
setup: policy_mark := of make setup of Causeway
setup:
	@missing=(); extras=(); \
	command -v go >/dev/null || missing+=(golang-go); \
	command -v git >/dev/null || missing+=(git); \
	command -v gcc >/dev/null && [[ -e /usr/include/stdlib.h ]] || missing+=(gcc libc6-dev); \
	compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || command -v initdb >/dev/null || missing+=(postgresql); \
	[[ -e /etc/ssl/certs/ca-certificates.crt ]] || missing+=(ca-certificates); \
	command -v chromium >/dev/null || missing+=(chromium); \
	command -v prometheus >/dev/null && command -v promtool >/dev/null || missing+=(prometheus); \
	for program in zsh fish caddy nginx; do command -v $$program >/dev/null || extras+=($$program); done; \
	if (( ! EUID )) && grep -qs '$(policy_mark)' $(policy); then rm -f $(policy); fi; \
	if (( $${#missing[@]} + $${#extras[@]} == 0 )); then \
	    :; \
	elif (( EUID )) || ! command -v apt-get >/dev/null; then \
	    [[ -z $${extras[*]} ]] || echo "tests are left out that need these, by their names in Debian: $${extras[*]}"; \
	    [[ -z $${missing[*]} ]] || { echo "make test needs these, by their names in Debian; sudo apt-get install $${missing[*]}" >&2; exit 1; }; \
	else \
	    echo "installing $${missing[*]} $${extras[*]}"; \
	    log=$$(mktemp); \
	    [[ -e $(policy) ]] || { trap "rm -f $(policy)" EXIT; install -m 755 /dev/stdin $(policy) <<<$$'#!/bin/sh\n# $(policy_mark), which removes it\nexit 101'; }; \
	    get() { DEBIAN_FRONTEND=noninteractive apt-get "$$@" </dev/null >>"$$log" 2>&1; }; \
	    get update || [[ -z $${missing[*]} ]] || { cat "$$log" >&2; exit 1; }; \
	    [[ -z $${missing[*]} ]] || get install -y --no-install-recommends "$${missing[@]}" || { cat "$$log" >&2; exit 1; }; \
	    for one in "$${extras[@]}"; do get install -y --no-install-recommends $$one || echo "$$one cannot be installed: the tests that need it are left out"; done; \
	    rm -f "$$log"; \
	    [[ ! -d /run/systemd/system ]] || echo "servers among them were not started, but will be at the next boot, unless you say: systemctl disable SERVER"; \
	fi
	@go list -m >/dev/null 2>&1 || { go version; go list -m || true; echo "Causeway needs the Go that go.mod names; an older one fetches it by itself from 1.21 on. See https://go.dev/dl" >&2; exit 1; }

lint: format vet staticcheck vulnerabilities ## gofmt, vet, staticcheck; govulncheck where its database can be reached

format:
	@unformatted=$$(gofmt -l .); [[ -z $$unformatted ]] || { echo "gofmt -w these files:" >&2; echo "$$unformatted" >&2; exit 1; }

vet:
	@go vet ./...
	@cd contrib/e2e && go vet ./...
	@cd contrib/bench && go vet ./...
	@cd contrib/chaos && go vet ./...

staticcheck:
	@go tool staticcheck ./...
	@tool=$$(go tool -n staticcheck); for module in contrib/e2e contrib/bench contrib/chaos; do (cd $$module && "$$tool" ./...); done

# It looks into the program as it is shipped, which takes seconds; analysing the source would take minutes for the SDK.
vulnerabilities: build
	@if timeout 20 go tool govulncheck -version 2>/dev/null | grep -q '^DB updated'; then \
	    found=$$(go tool govulncheck -mode=binary causeway 2>&1) || { echo "$$found" >&2; exit 1; }; \
	else \
	    echo "govulncheck skipped: its database cannot be reached"; \
	fi

# The version is what git says; Go refuses to ask a repository that belongs to somebody else.
# LDFLAGS="-s -w" leaves out what debuggers read, and is half as large; govulncheck wants it whole.
LDFLAGS ?=
build: ## the program ./causeway: static, without the paths of this machine, with its version
	@go build -buildvcs=$$(git rev-parse HEAD >/dev/null 2>&1 && echo true || echo false) -ldflags="$(LDFLAGS)" -o causeway ./cmd/causeway

deb: ## the deb package causeway_*.deb, for Debian and its like; GOARCH=arm64 for another machine
	@contrib/nfpm/build.sh .

release: ## the program for Linux, macOS and Windows in dist/, each with what it is made of, and checksums
	@contrib/release/build.sh dist

play: ## random play: SEEDS=3000 plays, crashes and faults at every kind of call
	@go test ./gateway -run '^TestRandomPlay' -play.seeds=$(SEEDS) -timeout 60m

POSTGRES_SEEDS ?= 20

# Each store is a schema of a throw-away cluster.
postgres: ## the store's suite on a throw-away PostgreSQL, and POSTGRES_SEEDS=20 plays
	@go test ./gateway/store -postgres -timeout 20m
	@go test ./gateway -postgres -run '^TestRandomPlayEnds' -play.seeds=$(POSTGRES_SEEDS) -timeout 20m

# An hour passes in each play, in which the store is asked every ten seconds: seconds of a real PostgreSQL, and as often as there are writes.
postgres-crashes: ## random play on a throw-away PostgreSQL that dies at each write in turn; takes half an hour
	@go test ./gateway -postgres -run '^TestRandomPlaySurvives' -play.seeds=1 -timeout 90m

# SQLite and its library are translated C, and most of the work: where the detector does not watch them, a play takes a quarter of the time.
# The random play of the gateway is long with the race detector, so few seeds must do here; make play has the many. Calls overlap here as they
# come, or there were no races to be found. What converts text has no goroutines: its own tests take the product's flags, and a tenth of the time.
race: export CGO_ENABLED := 1
race: detect := -race -gcflags=modernc.org/sqlite/lib=-race=false -gcflags=modernc.org/libc=-race=false
race: ## unit tests, suites and the seeds of the fuzz tests, under the race detector
	@failed=0; \
	CGO_ENABLED=0 go test ./bridge/richtext/... 2>&1 | $(quiet) || failed=1; \
	go test $(detect) -timeout 20m $$(go list ./... | grep -vxE 'causeway/gateway|causeway/bridge/richtext(/.*)?') 2>&1 | $(quiet) || failed=1; \
	go test $(detect) -timeout 60m ./gateway -play.parallel -play.seeds=$(RACE_SEEDS) || failed=1; \
	exit $$failed

# These tests wait more than they compute, so there are more of them at a time than the machine has processors.
e2e: ## a real Mattermost server on a throw-away PostgreSQL, Causeway, and the stand-in for Teams
	@cd contrib/e2e && go test -timeout 30m -parallel 6 ./... 2>&1 | $(quiet)

chaos: ## everything goes wrong while people talk: CHAOS_SECONDS=60 for each seed; CHAOS="-seed 1 -seeds 20", CHAOS=-h tells more
	@cd contrib/chaos && go run . $(CHAOS)

# About five minutes in all, of which people talk for three.
chaos-test:
	@cd contrib/chaos && go test . && export CHAOS_SECONDS=$${CHAOS_SECONDS:-30} && go run . -seeds 4 $(CHAOS) && \
		go run . -seed 5 -seeds 2 -store postgres -instances 3 $(CHAOS)

chaos-mutants: ## takes out, one after the other, what keeps the promise: chaos must find each
	@cd contrib/chaos && go run . -mutants

run: ## causeway run -c config.toml; CONFIG=other.toml for another one
	@if [[ ! -e "$(CONFIG)" ]]; then \
	    echo "There is no $(CONFIG) yet. Copy config.toml.example to $(CONFIG) and fill in your two accounts; README.md" >&2; \
	    echo "says how to get them. To see Causeway work without any account:  make demo" >&2; \
	    exit 1; \
	fi
	@$(MAKE) build
	@exec ./causeway run -c "$(CONFIG)"

# $(call perform,folder of the module,package,arguments): builds a program and runs it, as a job of its own, so that ctrl-c reaches the
# program alone: it ends by itself then, and make with it, without a word.
perform = @echo "building; the first time this takes some minutes"; \
	[[ $(1) != . ]] || $(MAKE) build; \
	folder=$$(mktemp -d); trap 'kill $$(jobs -p) 2>/dev/null || true; rm -rf "$$folder"' EXIT; \
	cd $(1); go build -o "$$folder/demo" $(2); \
	set -m; "$$folder/demo" $(3)

demo: ## Causeway between two stand-ins, on a page to which it prints the address; needs no account
	$(call perform,.,./contrib/demo,-causeway ./causeway)

demo-mattermost: ## the same with a real Mattermost server on the left, which needs Debian's package postgresql
	$(call perform,contrib/e2e,./demo)

bench: ## what Causeway costs, against a bare relay and Matterbridge; BENCH="-results RESULTS.md" keeps it, BENCH=-h tells more
	@cd contrib/bench && go run . $(BENCH)

# What the benchmark computes with; a quick run of all of it is left out, as it takes minutes.
bench-test:
	@cd contrib/bench && go test -short ./...

bench-talks: ## what watching people's direct and group messages costs: memory, frames, delay, requests; a quarter of an hour
	@GOGC=200 go test -p 1 ./bridge/mattermost ./contrib/sim/matrix -run '^$$' -bench 'ACrowd|MemoryOfAConnection|IrrelevantFrames|RequestsOfSweeping|DelayOfADirectMessage' -benchtime 1x -timeout 30m

profile: ## where time and memory go: profiles in contrib/bench/profiles
	@cd contrib/bench && go run . -profile profiles

# Only Causeway's own packages count what is run: with Microsoft's SDK, which go test -fuzz would compile anew for that, it takes many minutes and 4 GB. What is of interest is
# made smaller by 20 tries at most: by default that takes up to a minute of each input, in which nothing new is tried.
fuzz: ## each fuzz test for FUZZTIME=30s; what fails is kept as a seed in testdata/fuzz
	@program=$$(mktemp); trap 'rm -f "$$program"' EXIT; cache=$$(go env GOCACHE)/fuzz/causeway; \
	grep -rl --include='*_test.go' '^func Fuzz' . | xargs -n1 dirname | sort -u | while read -r folder; do \
	    echo "$$folder"; \
	    go test -c -o "$$program" -gcflags='causeway/...=-d=libfuzzer' "$$folder"; \
	    for name in $$(grep -ho '^func Fuzz[A-Za-z0-9_]*' "$$folder"/*_test.go | cut -c6-); do \
	        (cd "$$folder" && "$$program" -test.run '^$$' -test.fuzz "^$$name$$" -test.fuzztime $(FUZZTIME) -test.fuzzminimizetime 20x -test.fuzzcachedir "$$cache/$$folder"); \
	    done; \
	done

clean: ## removes what make built
	@rm -rf causeway dist
