# Every target sets up .venv from requirements.lock when that is needed; `make` alone lists the targets.

PYTHON ?= python3
TASK ?= translate

.DEFAULT_GOAL := help
.PHONY: help pipeline test test-real lint bench ui serve

BIN := .venv/bin
READY := .venv/.installed

RUN_OPTIONS = $(if $(PRESET),--preset '$(PRESET)') $(if $(DATA),--data '$(DATA)') $(foreach s,$(SET),--set '$(s)') \
	$(if $(SEED),--seed '$(SEED)') $(if $(FRESH),--fresh) $(if $(QUIET),--quiet)

help:  ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo '  make pipeline TASK=translate PRESET=full DATA=../corpus SET="training.epochs=3 model.units=256" SEED=1 FRESH=1'

pipeline: $(READY)  ## Run a task from raw data to a registered model (TASK, PRESET, DATA, SET, SEED, FRESH, QUIET)
	@$(BIN)/rnn-tasks run '$(TASK)' $(RUN_OPTIONS)

test: $(READY)  ## Run the tests that need nothing but this repository
	@env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m pytest -m 'not real' --numprocesses auto --maxprocesses 4 --dist loadscope --no-loadscope-reorder

test-real: $(READY)  ## Run the tests on real corpora below RNN_TASKS_DATA (minutes to hours)
	@$(BIN)/python -m pytest -m real

lint: $(READY)  ## Check style, formatting, types and import rules
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: $(READY)  ## Run the side-by-side speed programs in benchmarks/
	@set -e; for program in benchmarks/[a-z]*.py; do echo "== $$program"; $(BIN)/python "$$program"; done

ui: $(READY)  ## Serve the Prefect and MLflow user interfaces until Ctrl-C
	@$(BIN)/rnn-tasks ui

serve: $(READY)  ## Beside `make ui`: run what is started there, until Ctrl-C (SCHEDULE)
	@$(BIN)/rnn-tasks serve $(if $(SCHEDULE),--schedule '$(SCHEDULE)')

ifndef ALONE  # one `make` sets it up, and others that were started meanwhile find it there
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(not (3, 11) <= v <= (3, 13) and \
		"Python 3.11 to 3.13 is needed, $(PYTHON) is %d.%d; choose one: make PYTHON=python3.12 ..." % v)'
	@$(PYTHON) -c 'import fcntl, subprocess, sys; lock = open("pyproject.toml"); fcntl.flock(lock, fcntl.LOCK_EX); \
		sys.exit(subprocess.call(sys.argv[1:]))' $(MAKE) --silent --no-print-directory ALONE=1 $@
else
$(READY): requirements.lock pyproject.toml
	@echo 'setting up .venv from requirements.lock: some minutes, once' >&2
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip >/dev/null
	@$(BIN)/python -m uv --version >/dev/null 2>&1 || $(BIN)/python -m pip install --quiet uv
	@$(BIN)/python -m uv pip install --quiet --compile-bytecode --python $(BIN)/python -r requirements.lock
	@$(BIN)/python -m uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@
endif
