# Every target sets itself up: a virtual environment in .venv with the versions of constraints.txt.
PYTHON ?= python3
VENV ?= .venv
RUNS ?= runs/demo
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
LIBRARIES := $(VENV)-libraries
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --constraint constraints.txt

.PHONY: demo test libraries lint docs bench torture mutants clean

# Agents of both families on the bundled cues, compared with every reference ranking.
demo: $(INSTALLED)
	$(BIN)/frame-select compare --data cues --agents reinforce ppo dqn --seeds 3 \
		--budget 12800 --out $(RUNS)

# One process per core and one thread per process: torch's threads cost more than they save here.
test: $(INSTALLED)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

# The examples with Tianshou, RLlib and Minari, in an environment of their own: they ask for older packages.
libraries: $(LIBRARIES)/.installed
	OMP_NUM_THREADS=1 $(LIBRARIES)/bin/python -m pytest tests/examples/test_examples.py \
		-k "minari or rllib or tianshou"

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m mypy

# The site, in site/; a broken link or reference fails.
docs: $(INSTALLED)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo "open site/index.html, or run $(BIN)/mkdocs serve"

bench: $(INSTALLED)
	-$(PIP) --editable ".[agents,dev,bench]"
	$(BIN)/python -m tests.benchmarks

# About 11,000 damaged files, 100 kills and 40 full disks, some hours; tests/torture/RESULTS.md.
torture: $(INSTALLED)
	$(BIN)/python -m tests.torture

# 300 small faults in each of seven rooms, planted one at a time; some hours.
mutants: $(INSTALLED)
	$(PIP) --editable ".[agents,dev,mutants]"
	$(BIN)/python -m tests.mutants

clean:
	rm -rf $(VENV) $(LIBRARIES) runs site build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis

# torch first and alone, so that the next install finds its requirement satisfied.
$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(PIP) torch
	$(PIP) --editable ".[agents,dev]"
	touch $@

$(LIBRARIES)/.installed: PIP := $(LIBRARIES)/bin/python -m pip --disable-pip-version-check \
	install --quiet --constraint constraints-libraries.txt
$(LIBRARIES)/.installed: pyproject.toml constraints-libraries.txt
	$(PYTHON) -m venv $(LIBRARIES)
	$(PIP) torch
	$(PIP) --editable ".[minari,rllib,tianshou]" pytest hypothesis
	touch $@
