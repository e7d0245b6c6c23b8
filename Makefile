# Runcast. `make run` is all it takes; `make help` lists the rest.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

# Where cargo puts what it builds. Decided here, so that cargo, cargo-leptos and the tests agree on it.
export CARGO_TARGET_DIR := $(abspath $(or $(CARGO_TARGET_DIR),target))
# cargo-leptos takes the first wasm-opt on PATH.
export PATH := $(CURDIR)/tools/node_modules/.bin:$(or $(CARGO_HOME),$(HOME)/.cargo)/bin:$(PATH)
# What the server needs to find the site that the release build made, from any folder.
export LEPTOS_OUTPUT_NAME := runcast
export LEPTOS_SITE_ROOT := $(CURDIR)/target/site
export LEPTOS_SITE_PKG_DIR := pkg
# The release build, for the browser tests and the benchmarks.
export RUNCAST_BIN := $(CARGO_TARGET_DIR)/release/runcast

BUILT := target/site/.built
SOURCES := Cargo.toml Cargo.lock build.rs .cargo/config.toml $(shell find src style public -type f 2>/dev/null)

say = @printf '\n\033[1m== %s\033[0m\n' '$(1)'

.PHONY: help
help: ## list what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.PHONY: run
run: tools build ## install what is missing, build for release, serve ./data and ./workflows on 127.0.0.1:3000
	@exec "$(RUNCAST_BIN)" serve --data data --workflows workflows --listen 127.0.0.1:3000

.PHONY: watch
watch: tools ## build, serve, and do both again at each save
	@unset LEPTOS_SITE_ROOT RUNCAST_BIN; exec cargo leptos watch --split

.PHONY: test
test: ## everything that is checked: format, lints, Rust tests, browser tests
	$(call say,tools)
	@tools/install --with-browser
	@$(MAKE) --no-print-directory lint test-rust test-browser
	$(call say,all is well)

.PHONY: lint
lint: ## format and clippy, both sides, warnings denied
	$(call say,format)
	cargo fmt --check
	$(call say,clippy: server)
	cargo clippy --locked --features ssr --all-targets -- -D warnings
	$(call say,clippy: browser)
	cargo clippy --locked --lib --features hydrate --target wasm32-unknown-unknown -- -D warnings

.PHONY: test-rust
test-rust: ## the Rust tests
	$(call say,Rust tests)
	cargo test --locked --features ssr

.PHONY: soak
soak: ## ten minutes, or RUNCAST_SOAK seconds, of everything at once and kill -9 every few seconds
	$(call say,soak)
	RUNCAST_SOAK=$${RUNCAST_SOAK:-600} cargo test --locked --features ssr --test integration -- soak:: --nocapture

.PHONY: test-browser
test-browser: build ## the browser tests, against the release build
	$(call say,browser tests)
	cd end2end && npm ci --no-fund --no-audit && npx --no-install playwright test $(SPEC)

.PHONY: pictures
pictures: build ## take the README's pictures
	cd end2end && npm ci --no-fund --no-audit && npx --no-install playwright test --config pictures.config.ts

.PHONY: bench
bench: tools build ## the benchmarks that the README quotes
	$(call say,benchmarks)
	cargo bench --locked --features ssr --bench runcast
	$(call say,benchmarks of the dashboard)
	tools/install --with-browser
	cd end2end && npm ci --no-fund --no-audit && npx --no-install playwright test --config bench.config.ts

.PHONY: build
build: tools $(BUILT) ## the release build that run, test and bench share

# A front build erases the site folder, and another checkout may share the target folder: the stamp stands in the site,
# and a binary newer than it is somebody else's.
$(BUILT): $(SOURCES) $(or $(wildcard $(RUNCAST_BIN)),absent)
	$(call say,release build)
	cargo leptos build --release --split --precompress
	@test -x "$(RUNCAST_BIN)" && touch $@

.PHONY: absent
absent:

.PHONY: tools
tools: ## install what building needs and is not there yet
	@tools/install

.PHONY: fmt
fmt: ## format the Rust code
	cargo fmt
