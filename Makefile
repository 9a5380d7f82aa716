# make setup | demo | test | lint | bench. Needs Python 3.11 and nothing else: no Java, no Docker, no uv.

PYTHON := $(shell command -v python3.11 || command -v python3)
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed

# The demo starts ten processes, the tests some three hundred: each would compile all modules anew.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: setup demo test lint bench
.DEFAULT_GOAL := setup

setup: $(STAMP)

# Once for each lock file, or change of the packages and commands that pyproject.toml declares.
$(STAMP): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "error: there is no python3.11: install Python 3.11 and run make again" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || { \
	  echo "error: $(PYTHON) is `$(PYTHON) -V 2>&1`, but Outdial needs Python 3.11: install it, or run make PYTHON=<path of a python3.11>" >&2; \
	  exit 1; }
	@test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV) || { \
	  rm -rf $(VENV); echo "error: $(PYTHON) cannot make a virtual environment: install its venv module (Debian: python3.11-venv)" >&2; exit 1; }
	@echo "Installing Outdial's dependencies into $(VENV) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps -e .
	@touch $@

demo: setup
	@$(BIN)/outdial demo

# The checks speak to stderr, so that pytest's closing line is the last one on stdout.
# Five workers for two cores: much of the time is waiting. By file, since what a file starts it starts once.
test: setup
	@$(MAKE) --no-print-directory lint >&2
	@$(BIN)/python -m pytest -n 5 --dist loadfile --no-loadscope-reorder

lint: setup
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: setup
	@$(BIN)/python -m bench
