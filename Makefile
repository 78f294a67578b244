# make run    install into .venv and compare LGrad with UnivFD on the embedded sample dataset
# make test   everything: lint, types, unit, contract, golden, end to end, and the wheel
# make check  the fast part of it
PYTHON ?= python3
BIN := .venv/bin

.PHONY: run test check lint wheel clean

run: .venv/installed
	$(BIN)/bench run --detectors lgrad,univfd

check: lint
	$(BIN)/pytest tests/unit -m "not slow"

test: lint wheel
	$(BIN)/pytest

lint: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

wheel: .venv/installed
	BIN=$(BIN) tests/wheel.sh

# Python files are prerequisites because a strict editable install does not see new ones by itself.
.venv/installed: pyproject.toml setup.cfg $(shell find benchmark detectors datasets -not -name '*.pyc' -type f -o -type d)
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -c "import sys; sys.exit(sys.version_info < (3, 11) and 'Python 3.11 or newer is needed: make PYTHON=python3.12')"
	$(BIN)/pip install -q -e '.[dev]'
	touch $@

clean:
	rm -rf .venv build dist *.egg-info
