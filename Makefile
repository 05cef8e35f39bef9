# Every target is one thin command; `make` alone lists them. Set-up happens by itself, once.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

BIN := .venv/bin
READY := .venv/.ready
READER := spark/native/compiled.so
IS_3_11 := import sys; sys.exit(sys.version_info[:2] != (3, 11))
PYTHON ?= $(shell for python in python3.11 python3 python; do \
	$$python -c '$(IS_3_11)' 2> /dev/null && command -v $$python && break; done)
FLOCK := $(shell command -v flock)
CHROMIUM := $(shell command -v chromium || command -v chromium-browser || command -v google-chrome)
LOCK_COMMAND = uv pip compile --generate-hashes --no-emit-index-url --python-version 3.11 -o requirements.lock requirements.in

export UV_LINK_MODE ?= copy
export UV_NO_PROGRESS ?= 1
export UV_COMPILE_BYTECODE ?= 1

.PHONY: help setup ready demo dev stack stop status test test-faults test-hive31 test-browser screenshots lint format bench lock schema docs infra-synth deploy browser clean

help: ## List the targets
	@awk 'BEGIN { FS = ":.*## " } /^[a-z0-9-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Set everything up: virtual environment, packages, jars (every target does this first)
	@$(if $(FLOCK),flock --nonblock . true || echo "Set-up: another one is at work in this checkout; waiting until it is done",:)
	@$(if $(FLOCK),flock --close .) $(MAKE) --no-print-directory ready

ready: $(READY) $(READER)
	@if [ -e .venv/.fresh ]; then rm .venv/.fresh; else echo "Set-up: nothing had to be done"; fi

$(READY): requirements.lock setup.py spark/jars.sha256 spark/exporters/jars.sha256
	@test -n "$(PYTHON)" && "$(PYTHON)" -c '$(IS_3_11)' \
		|| { echo "Python 3.11 is needed; name one by: make setup PYTHON=/path/to/python3.11" >&2; exit 1; }
	@echo "Set-up: virtual environment and packages, exactly as requirements.lock pins them (1.7 GB; a few minutes)"
	@test -x $(BIN)/python || "$(PYTHON)" -m venv .venv
	@awk '/^uv==/ { inside = 1 } inside && !/^uv==/ && /^[^ ]/ { exit } inside' requirements.lock > .venv/uv.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r .venv/uv.lock
	@$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes requirements.lock \
		|| $(BIN)/python -m pip install --quiet --no-deps --require-hashes -r requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --offline --no-deps --no-build-isolation -e .
	@$(BIN)/python -m dataworks_assets.stack.jars
	@touch .venv/.fresh $@
	@echo "Set-up: done"

$(READER): $(wildcard spark/native/*.[ch]) | $(READY)
	@echo "Set-up: compiling the reader (10 s)"
	@$(BIN)/python -m spark.native.compiling
	@touch .venv/.fresh

demo: setup ## Write a sample export, materialise it, show the UI (ONCE=1 ends then, BAD=1 adds bad input, DEPLOYMENT=emulated)
	@$(BIN)/dataworks $(if $(DEPLOYMENT),-d $(DEPLOYMENT)) demo $(if $(ONCE),--once) $(if $(BAD),--bad)

dev: setup ## Start the stack and Dagster's UI over it, until interrupted (DEPLOYMENT=emulated)
	@$(BIN)/dataworks $(if $(DEPLOYMENT),-d $(DEPLOYMENT)) dev

stack: setup ## Start the embedded stack: S3, AWS APIs, Hive metastore, key service
	@$(BIN)/dataworks stack up

stop: setup ## End the embedded stack; its data stays
	@$(BIN)/dataworks stack down

status: setup ## Show the embedded stack's services
	@$(BIN)/dataworks stack status

test: setup ## Run the whole suite in two processes, a stack each (a spread of the faults; all of them: make test-faults; the UI: make test-browser; EMR's metastore: make test-hive31)
	@$(BIN)/pytest -n 2 --dist loadfile -m "not faults and not browser and not hive31"

test-faults: setup ## Run every crash and fault point until a run is clean, in two processes, and print how many there were
	@$(BIN)/pytest -n 2 --dist loadfile -m faults --timeout 3600

test-hive31: setup ## Run the catalogs' behaviour suite over a Hive 3.1 metastore, as EMR has it (fetches 77 MB of jars, once)
	@$(BIN)/python -m dataworks_assets.stack.jars hive31
	@$(BIN)/pytest -m hive31

test-browser: browser ## Drive the UI in a real browser
	@$(BIN)/pytest -m browser

screenshots: browser ## The same, and take the pictures of the documents anew, into docs/images
	@DATAWORKS_SCREENSHOTS=docs/images $(BIN)/pytest -m browser

lint: setup ## Check style, types and layers
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: setup ## Bring the code into shape
	@$(BIN)/ruff check --fix --quiet
	@$(BIN)/ruff format

bench: setup ## Measure speed and memory against baselines; writes docs/bench (QUICK=1: small sizes, elsewhere)
	@$(BIN)/python -m bench $(if $(QUICK),--quick)

lock: setup ## Resolve requirements.in anew into requirements.lock (UPGRADE=1 takes the newest versions)
	@$(BIN)/$(LOCK_COMMAND) --quiet --custom-compile-command "make lock" $(if $(UPGRADE),--upgrade)

schema: setup ## Write the JSON schema of the configuration for editors
	@$(BIN)/dataworks config schema

docs: setup ## Write the reference of the commands out of the commands
	@$(BIN)/python -m dataworks_assets.cli.reference

infra-synth: setup ## Write the infrastructure's templates into build/infrastructure, and its reference page
	@$(BIN)/dataworks infrastructure synth --docs docs/reference/infrastructure.md

deploy: setup ## Bring an AWS account to the templates (ENVIRONMENT=development PARAMETERS=file.yaml; DRY_RUN=1 only shows)
	@$(BIN)/dataworks infrastructure apply --environment $(ENVIRONMENT) $(if $(PARAMETERS),--parameters $(PARAMETERS)) $(if $(DRY_RUN),--dry-run)

browser: setup ## Make sure that a Chromium is there for the tests of the UI
	@if [ -n "$(CHROMIUM)" ]; then echo "Found $(CHROMIUM)"; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get > /dev/null; then apt-get update -q && apt-get install -y -q chromium; \
	else echo "Install Chromium with your system's package manager (Debian: sudo apt-get install chromium)" >&2; exit 1; fi

clean: ## End the stack and remove everything that was set up, its data too
	@if [ -x $(BIN)/dataworks ]; then $(BIN)/dataworks stack down; fi
	rm -rf .venv .dataworks build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
