# `make` alone prints what there is. Every recipe is a command you could type.

.DEFAULT_GOAL := help
SHELL := /bin/bash
CARGO ?= cargo

##@ Use

.PHONY: help
help: ## Print this help
	@awk 'BEGIN { FS = ":.*## "; printf "\nUsage: make <target>\n" } \
		/^##@ / { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo

.PHONY: run
run: ## Start a network on http://127.0.0.1:4000 (ARGS="--help" for its options)
	$(CARGO) run --release -- serve $(ARGS)

.PHONY: docker
docker: ## Build the image as agora:latest
	docker build --file docker/Dockerfile --tag agora:latest .

##@ Change

.PHONY: check
check: ## Format, lints, documentation, licences: what a review would say first
	$(CARGO) fmt --check
	$(CARGO) clippy --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --no-deps --document-private-items
	@if command -v cargo-deny >/dev/null; then $(CARGO) deny check; \
		else echo "!!! NOT CHECKED: licences and advisories (cargo install cargo-deny)" >&2; fi
	@if command -v cargo-machete >/dev/null; then $(CARGO) machete; \
		else echo "!!! NOT CHECKED: unused dependencies (cargo install cargo-machete)" >&2; fi

.PHONY: test-fast
test-fast: ## The tests that need nothing but cargo, in seconds: unit tests, layers, framework facts
	$(CARGO) test --lib --bins --test architecture --test framework

.PHONY: migrate-new
migrate-new: ## Create an empty migration for both databases: make migrate-new NAME=add_colour
	@tests/support/migrate_new.sh "$(NAME)"

##@ Prove

.PHONY: test
test: ## Everything, with the databases and containers it needs; ends with "N passed, N failed"
	@tests/support/run_all.sh

.PHONY: bench
bench: ## Measure the whole path, from a submitted transaction to its decision
	$(CARGO) bench --bench whole_path

##@ Tidy

.PHONY: clean
clean: ## Remove build output and the images that the tests left (not your data)
	$(CARGO) clean
	@if docker version >/dev/null 2>&1; then docker image rm --force agora:smoke agora:smoke-build \
		>/dev/null 2>&1 || true; fi
