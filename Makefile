# Every target is a command worth typing by itself. Tools are built once, into a cache outside the repository.

.PHONY: help build test lint fmt golden fuzz sweep e2e bench image

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null)

help:
	@sed -n 's/^\([a-z0-9]*\):.*## /\1\t/p' Makefile

build: ## the program, as ./fly-placer
	CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=$(VERSION)" -o fly-placer .

test: ## the tests that need nothing but Go
	go test ./...

lint: ## the same rules as in CI
	tools=$$(.ci/tools golangci-lint actionlint) && PATH="$$tools:$$PATH" .ci/lint

fmt: ## rewrites what lint would complain about
	tools=$$(.ci/tools golangci-lint) && PATH="$$tools:$$PATH" golangci-lint fmt

golden: ## rewrites what is generated and the words that tests expect; read the diff
	go generate ./...
	UPDATE=1 go test ./internal/config ./internal/report

FUZZTIME ?= 20s
fuzz: ## every fuzz target of every package, FUZZTIME each
	go list ./... | while read -r p; do for f in $$(go test -list '^Fuzz' $$p | grep ^Fuzz); do \
	  go test -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME) $$p || exit 1; done; done

SHARD ?= 1/1
sweep: ## every kill, failure and race of apply, and 12,000 random fleets; SHARD=I/N for a part
	SWEEP=1 SHARD=$(SHARD) go test -count=1 -timeout 0 -v -run 'TestKilled|TestEveryFailure|TestSomebody|TestRandom' ./internal/apply

e2e: ## needs root or Docker, and npm
	.ci/e2e

TABLES ?=
bench: ## the figures of docs/design.md, and the tables of docs/benchmarks.md; TABLES=-quick or -update
	go test -run '^$$' -bench . -benchmem ./...
	go test -count=1 -v -timeout 60m ./bench -tables $(TABLES)

image: ## the container, as fly-placer:latest
	docker build --build-arg VERSION=$(VERSION) -t fly-placer .
