# Everything a newcomer needs. `make help` lists the targets.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
BROWSER := tests/node_modules/.package-lock.json
PIP    := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: help demo up test chaos check mail-check format lock clean

help: ## this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/.run ## the whole week on sample data, with an inbox page (ONCE=1: exit after the table)
	$(BIN)/briefings demo $(if $(ONCE),--once) $(ARGS)

up: $(VENV)/.run ## the same stack for real use: settings from the environment or .env
	$(BIN)/briefings up

test: $(VENV)/.dev ## all tests, on SQLite, a real PostgreSQL and a real Valkey
	$(BIN)/python -m pytest $(ARGS)

chaos: $(VENV)/.dev ## kill -9, clock jumps and a faulty relay: three runs on each database (ARGS="--count 1000")
	@for database in sqlite postgresql; do for kind in "--seed 1" "--seed 2 --policy hold" "--seed 3 --tls"; do \
	  $(BIN)/briefings chaos --database $$database $$kind $(ARGS) || exit 1; \
	done; done

check: $(VENV)/.dev ## style, types, dependency direction, catalogue
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/briefings catalogue check

mail-check: $(VENV)/.dev $(BROWSER) ## every mail in every state through its gates (ARGS="--require-all": none may be missing)
	PYTHONPATH=tests $(BIN)/python -m mail_check $(ARGS)

format: $(VENV)/.dev ## let ruff put the code in order
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: ## renew the hash-locked requirements from pyproject.toml
	$(PYTHON) -m venv $(VENV)-lock
	$(VENV)-lock/bin/python -m pip --disable-pip-version-check --quiet install uv
	$(VENV)-lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
	  --no-emit-index-url --custom-compile-command "make lock" -o requirements.txt pyproject.toml requirements.in
	$(VENV)-lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
	  --no-emit-index-url --custom-compile-command "make lock" --extra dev -c requirements.txt \
	  -o requirements-dev.txt pyproject.toml requirements.in
	rm -rf $(VENV)-lock

clean: ## remove the virtual environment and the demo's data
	rm -rf $(VENV) .briefings build *.egg-info tests/node_modules

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: requirements.txt pyproject.toml | $(VENV)/bin/python
	@echo "Setting up $(VENV) (once) ..."
	$(PIP) install --require-hashes -r requirements.txt
	$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: requirements-dev.txt $(VENV)/.run
	$(PIP) install --require-hashes -r requirements-dev.txt
	@touch $@

# Without npm, or without its registry, the gates in a browser say that they have not run.
$(BROWSER): tests/package-lock.json
	-@command -v npm >/dev/null && npm ci --prefix tests --no-audit --no-fund && touch $@
