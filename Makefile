# What each target is for is in its first line. `make test` is what CI runs.
GO ?= go
export CGO_ENABLED = 0

.PHONY: run build test lint package bench fuzz fuzz-guards clean

## run: build, start Callout with a sample API, make one call through each sample, serve on 127.0.0.1:7071
run: build
	@exec ./bin/demo -handler bin/handler

## build: the binaries for this machine, in bin/
build:
	@echo "building bin/handler and bin/demo"
	@mkdir -p bin
	@$(GO) build -trimpath -o bin/ ./handler ./examples/demo

## test: everything that has to hold: lint, then all tests with the race detector
test: e2e/node/node_modules/.installed lint
	CGO_ENABLED=1 $(GO) test -race -timeout 20m $$($(GO) list ./... | grep -v /e2e)
	@# The cache does not see the binary that these build and run.
	CGO_ENABLED=1 $(GO) test -race -count=1 -timeout 20m $$($(GO) list ./e2e/... | grep -v /e2e/canary)
	@# In its own folder, for what it prints: how many combinations there were.
	cd e2e/canary && CGO_ENABLED=1 $(GO) test -race -count=1 -timeout 20m
	@$(MAKE) --no-print-directory fuzz-guards

# Azurite and an OAuth server, at the versions that the lock file names.
e2e/node/node_modules/.installed: e2e/node/package-lock.json
	npm ci --prefix e2e/node --no-audit --no-fund --loglevel=error
	@touch $@

## lint: gofmt, vet, staticcheck
lint:
	@test -z "$$(gofmt -l $$(git ls-files '*.go') | tee /dev/stderr)" || { echo "these files are not gofmt-clean: run gofmt -w on them"; exit 1; }
	$(GO) vet ./...
	$(GO) vet -C e2e/peers .
	$(GO) tool -modfile=tools.mod staticcheck ./...

## package: what is deployed and what Core Tools starts, in dist/ and callout.zip
package:
	$(GO) run ./handler/cmd/package

## bench: growth of the store and cold start, as ratios of one run
bench:
	$(GO) test -run '^$$' -bench . -benchtime 0.3s ./handler/...
	$(GO) run ./bench

# What keeps requests and secrets in: a moment of fuzzing in every run.
GUARDS = redact/FuzzNested redact/FuzzUnchanged egress/FuzzCheckURL egress/FuzzReadBody egress/FuzzAnswer request/FuzzHeader
GUARDTIME ?= 6s
## fuzz-guards: the fuzz targets of redaction, destinations, headers and answers for GUARDTIME (6s) each
fuzz-guards:
	@for guard in $(GUARDS); do \
	  echo "== $$guard"; \
	  $(GO) test -run '^$$' -fuzz "^$${guard#*/}$$" -fuzztime $(GUARDTIME) -fuzzminimizetime 1s ./handler/$${guard%/*} || exit 1; \
	done

FUZZTIME ?= 30s
## fuzz: every fuzz target for FUZZTIME (30s)
fuzz:
	@for package in $$($(GO) list ./...); do \
	  for target in $$($(GO) test -list '^Fuzz' $$package | grep '^Fuzz'); do \
	    echo "== $$package $$target"; \
	    $(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 1s $$package || exit 1; \
	  done; \
	done

## clean: what the other targets made
clean:
	rm -rf bin dist callout.zip
