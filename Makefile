# `make` alone lists what there is.
.DEFAULT_GOAL := help
SHELL := /bin/bash

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: ## Start the demo: everything embedded, seeded, with tokens and curl lines to paste
	cargo run --package order-app -- demo

.PHONY: check
check: ## The quick one: does it compile, is it formatted, what does clippy say
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --all-features --quiet -- --deny warnings

.PHONY: test
test: ## All tests; finds or installs PostgreSQL and Redis and starts private servers
	cargo build --package order-app --features fault-points
	tests/with-servers cargo test --workspace --no-fail-fast

.PHONY: crash
crash: ## kill -9 at every site in every scenario that comes to it, on both engines; prints the matrix (minutes)
	cargo build --package order-app --features fault-points
	tests/with-servers cargo test --package order-tests --test it -- --ignored --nocapture crash::

.PHONY: chaos
chaos: ## All faults at once for MINUTES=10, drawn from SEED=…, then everything is audited (docs/benchmarks.md)
	cargo build --package order-app --features fault-points
	MINUTES=$(or $(MINUTES),10) tests/with-servers cargo test --package order-tests --test it -- --nocapture soak::whatever

.PHONY: races
races: ## Every race a thousand times (RACES=…), over two instances on PostgreSQL and one on SQLite
	cargo build --package order-app --features fault-points
	RACES=$${RACES:-1000} tests/with-servers cargo test --package order-tests --test it races::

.PHONY: model
model: ## Random plays of orders, workers and the payment service against a reference model; N=50000 of each kind
	MODEL_CASES=$(or $(N),50000) cargo test --package order-usecases --test it random:: -- --nocapture

.PHONY: bench
bench: ## Benchmarks beside pgbench in the same run; writes docs/benchmarks.md (10 minutes after a release build)
	cargo build --release --package order-app
	DURABLE=1 tests/with-servers cargo bench --package order-tests --bench bench
# BENCH_REDIS=redis://… make bench: the same with Redis.

.PHONY: bench-tasks
bench-tasks: ## How soon and how fast tasks are done, and that a backlog slows nobody; writes docs/benchmarks.md
	DURABLE=1 tests/with-servers cargo bench --package order-tests --bench tasks

.PHONY: bench-instances
bench-instances: ## Three instances with Redis: tasks, waits, the event stream; writes docs/benchmarks.md
	cargo build --release --package order-app
	DURABLE=1 tests/with-servers cargo bench --package order-tests --bench instances

.PHONY: deny
deny: ## Licences, sources and banned crates of what we depend on (cargo install cargo-deny)
	cargo deny check licenses bans sources

.PHONY: doc
doc: ## The documentation of the crates
	RUSTDOCFLAGS="--deny warnings" cargo doc --workspace --no-deps

.PHONY: fmt
fmt: ## Format
	cargo fmt --all

.PHONY: ci
ci: ## What CI runs
	.ci/run
