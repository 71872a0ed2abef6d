# Roster: `make help` lists the targets.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

GO_MODULES := . clients/go internal/apitest
NPM_CI := npm ci --no-audit --no-fund --loglevel=error
BUILD := $(shell git rev-parse --short=12 HEAD 2>/dev/null)
GO_BUILD := CGO_ENABLED=0 go build -trimpath -ldflags '-s -w -X main.build=$(BUILD)'

# The built console, and what it is made of.
CONSOLE := clients/console/packed/index.html.gz
CONSOLE_FROM := $(shell find clients/console/src clients/console/public clients/typescript/src -type f) \
  $(addprefix clients/console/,index.html vite.config.ts pack.js)

# The built Nuxt example, and what it is made of.
NUXT := clients/examples/nuxt/.output/server/index.mjs
NUXT_FROM := $(shell find $(addprefix clients/examples/nuxt/,app public server shared nuxt.config.ts) clients/typescript/src -type f)
export NUXT_TELEMETRY_DISABLED := 1

# All that `make generate` writes.
GENERATED := db/dbsqlc openapi/openapi.yaml clients/go/gen clients/typescript/src/gen

##@ Use

.PHONY: help
help: ## List the targets.
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z0-9-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: run
run: build ## Build Roster and serve on localhost:8080.
	@exec ./bin/roster serve

.PHONY: build
build: assets ## Build bin/roster: one static binary with PostgreSQL, the console and the docs page inside.
	@$(GO_BUILD) -o bin/roster ./cmd/roster

##@ Develop

.PHONY: dev
dev: assets ## Serve; on a change of Go or SQL rebuild, regenerate and restart.
	@exec go tool -modfile=tools/dev/go.mod air -c tools/dev/air.toml

# A build that fails leaves the running server alone. The clients are made again
# only when the document has changed, the queries when their SQL has.
.PHONY: dev-build
dev-build:
	@mkdir -p bin/dev
	@if test -n "$$(find db/queries db/migrations sqlc.yaml -newer bin/dev/sqlc 2>/dev/null || echo first)"; then go tool -modfile=tools/go.mod sqlc generate && touch bin/dev/sqlc; fi
	@$(GO_BUILD) -o bin/dev/roster ./cmd/roster
	@bin/dev/roster openapi > bin/dev/openapi.yaml
	@cmp -s bin/dev/openapi.yaml openapi/openapi.yaml || { cp bin/dev/openapi.yaml openapi/openapi.yaml && $(MAKE) clients && echo "the document and both clients were made again"; }

.PHONY: test
test: build clients/typescript/dist ## Run the Go and TypeScript tests on the built-in PostgreSQL.
	@for module in $(GO_MODULES); do (echo "== go test $$module" && cd $$module && go test ./...); done
	@echo "== vitest clients/typescript" && cd clients/typescript && npm test
	@echo "== vitest clients/console" && cd clients/console && npm test

.PHONY: generate
generate: clients/typescript/node_modules/.package-lock.json ## Regenerate the queries, the document and both clients.
	@echo "sqlc (its first build takes some minutes)" && go tool -modfile=tools/go.mod sqlc generate
	@$(MAKE) document clients

.PHONY: document
document:
	@mkdir -p bin && go run ./cmd/roster openapi > bin/openapi.yaml
	@cmp -s bin/openapi.yaml openapi/openapi.yaml || cp bin/openapi.yaml openapi/openapi.yaml

.PHONY: clients
clients:
	@go tool -modfile=tools/go.mod oapi-codegen -config openapi/oapi-codegen.yaml openapi/openapi.yaml
	@cd clients/typescript && npm run --silent generate

.PHONY: lint
lint: openapi/node_modules/.package-lock.json clients/typescript/dist clients/examples/nuxt/node_modules/.package-lock.json $(CONSOLE) ## Check format, style, imports, types and the document.
	@test -z "$$(git ls-files '*.go' | xargs gofmt -l | tee /dev/stderr)"
	@for module in $(GO_MODULES); do (echo "== golangci-lint $$module" && root=$$PWD && cd $$module && go tool -modfile=$$root/tools/lint/go.mod golangci-lint run --allow-serial-runners --config $$root/.golangci.yaml ./...); done
	@for os in darwin windows; do echo "== go vet for $$os" && CGO_ENABLED=0 GOOS=$$os go vet ./cmd/... ./db/... ./internal/server/...; done
	@echo "== redocly" && cd openapi && npm run --silent lint
	@echo "== eslint and tsc" && cd clients/typescript && npm run --silent lint && npm run --silent check
	@echo "== eslint and vue-tsc" && cd clients/console && npm run --silent lint && npm run --silent check
	@echo "== vue-tsc of the Nuxt example" && cd clients/examples/nuxt && npm run --silent check

.PHONY: screenshots
screenshots: build need-chromium tests/browser/node_modules/.package-lock.json ## Take the pictures in docs anew.
	@cd tests/browser && npm run --silent screenshots

##@ Prove

.PHONY: test-all
test-all: export ROSTER_TEST_REDIS = require
test-all: build need-race need-postgres15 need-chromium need-redis clients/typescript/dist tests/browser/node_modules/.package-lock.json tests/frontends/node_modules/.package-lock.json $(NUXT) ## All tests: also with -race, on PostgreSQL 15, with Redis, and in a browser.
	@for module in . clients/go; do (echo "== go test -race $$module" && cd $$module && CGO_ENABLED=1 go test -race ./...); done
	@echo "== go test -race internal/apitest, but for what hashes passwords: that takes ten times as long" && cd internal/apitest && CGO_ENABLED=1 go test -race -skip 'Password|Reset|SignIn|Hash|AKey|Racers|Readme' ./...
	@echo "== PostgreSQL 15: migrations, queries, API" && export ROSTER_TEST_POSTGRES=$(POSTGRES15) && go test -count=1 $$(git grep -l 'internal/testkit"' -- 'db/*_test.go' 'internal/*_test.go' ':!internal/apitest' | xargs -n1 dirname | sort -u | sed 's|^|./|') && cd internal/apitest && go test -count=1 ./...
	@echo "== vitest clients/typescript" && cd clients/typescript && npm test && npm run test:package
	@echo "== vitest clients/console" && cd clients/console && npm test
	@echo "== browser" && cd tests/browser && npm test
	@echo "== docs/frontends.md" && cd tests/frontends && npm test

# One package after the other, so that none disturbs the figures of another.
.PHONY: torture
torture: export ROSTER_TEST_REDIS = require
torture: build need-redis tests/browser/node_modules/.package-lock.json ## The long checks, each figure beside its goal.
	@for module in $(GO_MODULES); do (echo "== torture $$module" && cd $$module && { go test -count=1 -p 1 -timeout 60m -tags torture -run Torture -v ./... 2>&1 || echo "FAIL $$module"; }); done \
	  | grep -v 'no test files\|no tests to run' | tee bin/torture.txt
	@echo "== figures and goals; the whole is in bin/torture.txt" && grep 'goal\|^--- ' bin/torture.txt
	@! grep -q '^FAIL' bin/torture.txt

FUZZTIME ?= 30s
.PHONY: fuzz
fuzz: ## Fuzz each decoder for 30 s; FUZZTIME says another time.
	@for file in $$(git grep -l '^func Fuzz' -- 'internal/*_test.go'); do \
	  for name in $$(sed -n 's/^func \(Fuzz[A-Za-z]*\)(.*/\1/p' $$file); do \
	    echo "== $$(dirname $$file) $$name" && go test -run '^$$' -fuzz "^$$name$$" -fuzztime $(FUZZTIME) ./$$(dirname $$file); \
	  done; done

.PHONY: bench
bench: build ## Measure Roster beside two programs written by hand; some 16 minutes.
	@go run ./internal/bench $(BENCH)

# What is compiled without its folder's name is found again from another clone.
.PHONY: ci
ci: export GOFLAGS := $(strip $(GOFLAGS) -trimpath)
ci: ## What CI runs: generate and compare, lint, all tests, builds.
	@$(MAKE) generate
	@changed=$$(git status --porcelain -- $(GENERATED)); test -z "$$changed" || { echo "$$changed"; echo "make generate changes the files above: commit them with their source"; exit 1; }
	@$(MAKE) lint
	@$(MAKE) test-all
	@$(GO_BUILD) -o bin/roster ./cmd/roster && ./bin/roster version

.PHONY: clean
clean: ## Remove what was built and installed here. Data folders stay.
	rm -rf bin db/embedded/archive/*.tar.zst internal/server/docs/assets/*.gz clients/typescript/dist
	rm -rf clients/examples/nuxt/.nuxt clients/examples/nuxt/.output
	cd clients/console && rm -rf dist types && find packed -mindepth 1 -not -name README.md -delete
	find . -name node_modules -prune -exec rm -rf {} +

# Set-up: each folder that takes something from npm has a lock file of its own.
.PHONY: assets
assets: db/embedded/node_modules/.package-lock.json internal/server/docs/node_modules/.package-lock.json $(CONSOLE)
	@go run ./db/embedded/pack
	@go run ./internal/server/docs/pack

# The console is built when something that it is made of is newer.
$(CONSOLE): clients/typescript/node_modules/.package-lock.json clients/console/node_modules/.package-lock.json $(CONSOLE_FROM)
	@cd clients/typescript && npm run --silent build
	@cd clients/console && npm run --silent build

# So is the Nuxt example, for its tests.
$(NUXT): $(NUXT_FROM) clients/examples/nuxt/package-lock.json | clients/typescript/dist clients/examples/nuxt/node_modules/.package-lock.json
	@echo "nuxt build in clients/examples/nuxt" && cd clients/examples/nuxt && npm run --silent build -- --logLevel silent
	@touch $@

.PHONY: clients/typescript/dist
clients/typescript/dist: clients/typescript/node_modules/.package-lock.json
	@cd clients/typescript && npm run --silent build

%/node_modules/.package-lock.json: %/package-lock.json %/package.json
	@echo "npm ci in $*" && cd $* && $(NPM_CI)
	@touch $@

# A missing tool fails with its install line.
POSTGRES15 ?= /usr/lib/postgresql/15
CHROMIUM ?= $(shell command -v chromium || command -v chromium-browser || command -v google-chrome)
export CHROMIUM
.PHONY: need-race need-postgres15 need-chromium need-redis
need-redis:
	@command -v redis-server >/dev/null || { echo "no redis-server: apt-get install redis-server"; exit 1; }
need-race:
	@command -v gcc >/dev/null || command -v clang >/dev/null || { echo "go test -race needs a C compiler: apt-get install gcc libc6-dev"; exit 1; }
need-postgres15:
	@test -x $(POSTGRES15)/bin/postgres || { echo "PostgreSQL 15 is not in $(POSTGRES15): apt-get install postgresql-15, or set POSTGRES15"; exit 1; }
need-chromium:
	@test -n "$(CHROMIUM)" || { echo "no browser: apt-get install chromium, or set CHROMIUM"; exit 1; }
