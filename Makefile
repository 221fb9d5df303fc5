PYTHON ?= python3.11
BIN := .venv/bin

.PHONY: links
links:  ## the tree that type checkers and import linters can follow
	@rm -rf build/links && mkdir -p build/links/fixby
	@ln -s $(addprefix ../../../,$(wildcard core/*)) build/links/fixby/
	@for part in cli headers policies reports scanners sla store; do \
	  [ ! -e $$part/__init__.py ] || ln -s ../../../$$part build/links/fixby/$$part; done
