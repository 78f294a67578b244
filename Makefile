# make run    install into .venv and compare LGrad with UnivFD on the embedded sample dataset
# make test   everything: lint, types, unit, contract, golden, end to end, and the wheel
# make check  the fast part of it
# make docs   the site in build/site; every link and command shown in README and docs is tried, and the notebook run
# make perf   the benchmarks; PERF_SCALE=0.1 takes a tenth of the images
PYTHON ?= python3
BIN := .venv/bin
FILES := $(shell find benchmark detectors datasets -type f -not -name '*.pyc' | LC_ALL=C sort | cksum | cut -d' ' -f1)
INSTALLED := .venv/installed-$(FILES)

# Tests start many a process: each would compile all modules anew where the environment says to keep no bytecode.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run test check docs perf lint wheel clean

run: $(INSTALLED)
	$(BIN)/bench run --detectors lgrad,univfd

check: lint
	OMP_NUM_THREADS=1 $(BIN)/pytest tests/unit -m "not slow" -n 2 --dist loadfile --no-loadscope-reorder --durations=25

docs: $(INSTALLED)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict
	$(BIN)/pytest tests/e2e/test_readme.py tests/e2e/test_notebook.py tests/e2e/test_journeys.py tests/e2e/test_site.py

# One process each: what one leaves in memory must not slow the next.
perf: $(INSTALLED)
	@for file in tests/perf/bench_*.py; do PYTHONPATH=tests/support $(BIN)/python $$file || exit 1; done

# Two processes share the files; long ones come first. Networks take one thread each, or they fight over cores.
test: lint wheel
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder --durations=25

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy -n 2 -p forenbench $(patsubst tests/perf/%.py,-m %,$(wildcard tests/perf/*.py))

wheel: $(INSTALLED)
	BIN=$(BIN) tests/wheel.sh

# A strict editable install does not see new files by itself: the stamp's name changes with the list of files.
$(INSTALLED): pyproject.toml setup.cfg
	@echo "Installing into .venv; PyTorch makes this take some minutes the first time."
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -c "import sys; sys.exit('Python 3.11 or newer is needed: make PYTHON=python3.12' if sys.version_info < (3, 11) else 0)"
	$(BIN)/pip install -q -e '.[dev,docs]'
	@rm -f .venv/installed-*
	@touch $@

clean:
	rm -rf .venv build dist *.egg-info
