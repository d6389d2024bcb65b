# Each target does all its own set-up, in .venv, with the exact versions of constraints.txt.
PYTHON ?= python3
VENV ?= .venv
RUNS ?= runs/demo
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --constraint constraints.txt

.PHONY: demo test lint docs bench clean

# The main job on the bundled digits: train three agents, compare them with every reference.
demo: $(INSTALLED)
	rm -rf $(RUNS)
	for seed in 0 1 2; do \
		$(BIN)/python -m agents train --data digits --agent reinforce --seed $$seed \
			--out $(RUNS)/reinforce-$$seed || exit; \
	done
	$(BIN)/python -m agents evaluate $(RUNS)/reinforce-0 $(RUNS)/reinforce-1 \
		$(RUNS)/reinforce-2 --data digits --select 2 4 8 12 16

test: $(INSTALLED)
	$(BIN)/python -m pytest

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m mypy

docs: $(INSTALLED)
	$(BIN)/python -m frame_select_env.docs

bench: $(INSTALLED)
	$(BIN)/python -m tests.benchmarks

clean:
	rm -rf $(VENV) runs build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis

# torch first and alone: what follows then finds its version met.
$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(PIP) torch
	$(PIP) --editable ".[agents,dev]"
	touch $@
