# Every target does the set-up it needs; a Debian machine with Rust is enough.
# `make` alone lists them.

SHELL := /usr/bin/env bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
# Steps share the cores and the target folder; cargo is parallel by itself.
.NOTPARALLEL:

# The cache of scripts/lib.sh; setup.sh puts cmake there where nobody may install it.
CACHE := $(or $(TRANSOM_CACHE),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/transom)
export PATH := $(CACHE)/tools/bin:$(PATH):/usr/sbin

# One command for all who need it: another set of targets has other features, and would build
# every dependency again.
REAL_BUILD := cargo build --locked --profile real --example simulated_days --bin transom

.PHONY: help setup build demo test lint fmt test-rust test-real test-ui bench bench-smoke

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

setup: ## Install what a build needs and the machine lacks
	@./scripts/setup.sh

build: setup ## The release binary: target/release/transom
	cargo build --locked --release

demo: setup ## Simulated models, the proxy before them and sample traffic; no key, no config
	cargo run --locked --profile real -- demo

test: lint test-rust test-real test-ui bench-smoke ## Everything that has to pass

lint: setup ## Format and lints
	@cargo fmt --version >/dev/null 2>&1 && cargo clippy --version >/dev/null 2>&1 || \
	    rustup component add rustfmt clippy
	cargo fmt --check
	cargo clippy --locked --all-targets -- -D warnings

fmt: ## Format the code
	cargo fmt

test-rust: setup ## Unit, black-box and repository tests
	./scripts/test.sh --locked
	cargo test --locked --doc --quiet

test-real: setup ## A real model, official clients and Prometheus, through Transom
	$(REAL_BUILD)
	./scripts/real/run.sh

test-ui: setup ## Every page in a real browser
	$(REAL_BUILD)
	./scripts/ui.sh

# The `real` profile compiles quickly; its figures mean nothing.
bench-smoke: setup ## One short round of the benchmark, to see that it works
	@./scripts/bench-tools.sh
	$(REAL_BUILD)
	TRANSOM_BIN="$(CURDIR)/target/real/transom" \
	    cargo bench --locked --profile real --bench compare -- --quick

bench: build ## CPU per request and event, next to nginx and bare pingora
	@./scripts/bench-tools.sh
	TRANSOM_BIN="$(CURDIR)/target/release/transom" cargo bench --locked --bench compare
