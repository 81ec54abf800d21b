# Two commands do everything: `make run` and `make test`. Both set up .venv first and name missing system packages.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
STAMP := $(VENV)/.ready

.PHONY: run test lint check bench package paper films clean

run: $(STAMP)
	@$(PY) packaging/run.py

test: $(STAMP) lint
	QT_QPA_PLATFORM=offscreen $(PY) -m pytest -q -n 2 --dist loadfile

lint: $(STAMP)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

bench: $(STAMP)
	$(PY) -m benchmarks

# The paper in small: simulated hospitals and readers, consensus, training, its tables beside the paper's (out/paper)
paper: $(STAMP)
	$(PY) -m benchmarks.paper_in_small --again

package: $(STAMP)
	packaging/build.sh

$(STAMP): pyproject.toml constraints.txt packaging/check_system.py
	@$(PYTHON) packaging/check_system.py
	@test -x $(PY) || $(PYTHON) -m venv $(VENV)
	$(PY) -m pip install --quiet --upgrade pip
	$(PY) -m pip install --quiet --constraint constraints.txt --editable '.[train,pacs,dev]'
	@touch $@

clean:
	rm -rf $(VENV) build dist out
