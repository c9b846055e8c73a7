# Two commands do everything: `make demo` and `make test`. Both make the environment first.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq
ARGS ?=
# names of measurements, such as load_speed; all of them when empty
BENCH ?=

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo test lint bench docs docs-check upgrade clean

help:
	@echo "make demo         set up, do the main job on the sample, print the dashboard's link"
	@echo "                  (ARGS=--no-app leaves the dashboard out)"
	@echo "make test         set up with the test tools, pass every test"
	@echo "make lint         ruff, mypy and the import contracts"
	@echo "make bench        measure speed and memory, side by side with other packages"
	@echo "make docs         build the documentation as HTML (build/docs)"
	@echo "make docs-check   run the examples of the documentation"
	@echo "make upgrade      take the newest release of every package (constraints.txt)"
	@echo "make clean        remove what make and the tools made"

demo: $(VENV)/.demo
	$(BIN)/workbench demo $(ARGS)

test: $(VENV)/.test
	$(BIN)/python -m pytest -q -n logical --maxprocesses 4 --dist worksteal $(ARGS)

lint: $(VENV)/.lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.bench
	$(BIN)/python bench/run.py $(BENCH)

docs: $(VENV)/.docs
	$(BIN)/python -m sphinx -W --keep-going -n -q -b html docs build/docs
	@echo "The documentation is in build/docs/index.html"

docs-check: $(VENV)/.test
	$(BIN)/python -m pytest -q workbench docs/building tests/test_readme.py tests/docs

upgrade: | $(BIN)/python
	$(BIN)/python .ci/constraints.py
	@echo "constraints.txt is written anew: make test lint, and commit it if they pass."

clean:
	rm -rf $(VENV) runs build dist *.egg-info .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find workbench pages tests bench analyses docs -name __pycache__ -type d -prune -exec rm -rf {} +

# A stamp tells what was installed; it is old as soon as what it was made from changes.
# The demo asks no model that is run here, so it needs no extra: torch alone takes gigabytes.
$(VENV)/.test: EXTRAS := models,test
$(VENV)/.lint: EXTRAS := lint
$(VENV)/.docs: EXTRAS := docs
$(VENV)/.bench: EXTRAS := models,bench
# It pins older versions of numpy and jax than the workbench needs, and runs with these too.
$(VENV)/.bench: ALONE := arena-rank==0.1.1

$(VENV)/.demo $(VENV)/.test $(VENV)/.lint $(VENV)/.docs $(VENV)/.bench: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing the workbench$(if $(EXTRAS), with $(EXTRAS)) into $(VENV) (the first time takes a while) ..."
	@$(PIP) install -c constraints.txt -e ".$(if $(EXTRAS),[$(EXTRAS)])"
	@test -z "$(ALONE)" || $(PIP) install --no-deps $(ALONE)
	@touch $@

# Some systems ship venv without pip: then the pip that is there fills the environment.
$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "The workbench needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1)." >&2; \
	  echo "Name another one: make PYTHON=python3.12 ..." >&2; exit 1; }
	@echo "Creating $(VENV) ..."
	@$(PYTHON) -m venv $(VENV) >/dev/null 2>&1 || { \
	  $(PYTHON) -m venv --clear --without-pip $(VENV) && \
	  $(PYTHON) -m pip --disable-pip-version-check -qq --python $(BIN)/python install pip; } || { \
	  rm -rf $(VENV); echo "No environment could be made: install pip (22.3 or newer) or venv for $(PYTHON)." >&2; exit 1; }
