# make demo     create .venv and play the main job on the embedded default
# make test     create .venv with the development tools, check and test everything
# make install  create .venv for those who come to stay; then .venv/bin/soc --help
PYTHON ?= python3
BIN := .venv/bin

.PHONY: install demo test check bench clean

install: .venv/.installed
demo: .venv/.installed
	$(BIN)/soc demo

.venv/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	touch $@

.venv/.dev: .venv/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@

check: .venv/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/mypy

test: check
	$(BIN)/python -m pytest -n 2 --dist loadfile

bench: .venv/.dev
	$(BIN)/python -m bench

clean:
	rm -rf .venv build dist
