# Each target does all its own set-up, in .venv, with the exact versions of constraints.txt.
PYTHON ?= python3
VENV ?= .venv
RUNS ?= runs/demo
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --constraint constraints.txt

.PHONY: demo test lint docs bench clean

# The main job on the bundled digits: agents of both families, compared with every reference.
demo: $(INSTALLED)
	$(BIN)/python -m agents compare --data digits --agents reinforce ppo dqn --seeds 3 \
		--budget 12800 --out $(RUNS)

# A process a core and a thread a process: torch's threads cost more than they bring here.
test: $(INSTALLED)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile

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
