# Everything a newcomer may run. Each target bootstraps .venv by itself.
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test lint soak serve lock clean

.venv/.runtime: requirements.lock
	@./.ci/bootstrap $(PYTHON) requirements.lock
	@touch $@

.venv/.dev: requirements.lock requirements-dev.lock
	@./.ci/bootstrap $(PYTHON) requirements-dev.lock
	@touch .venv/.runtime $@

demo: .venv/.runtime  ## verify the seed article with the embedded engine, no key and no network
	@VERINOTE_DATA_DIR=var/demo $(BIN)/verinote corpus add seeds/statements
	@VERINOTE_DATA_DIR=var/demo $(BIN)/verinote verify seeds/articles/*.md --engine local --out var/demo/notes.jsonl

test: .venv/.dev  ## the whole suite
	@$(BIN)/python -m pytest -n 2

lint: .venv/.dev  ## style, types and the arrows between the rooms
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

soak: .venv/.dev  ## the long proofs; results go to docs/soak/
	@$(BIN)/python -m pytest -m soak

serve:  ## the service with the desk
	@echo "verinote has no server yet: the HTTP service is the next piece of work. Use: make demo, or .venv/bin/verinote verify FILE" >&2; exit 1

lock: .venv/.dev  ## compile both lock files from pyproject.toml
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header pyproject.toml --group install -o requirements.lock
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header pyproject.toml --group install --group dev -c requirements.lock -o requirements-dev.lock

clean:
	rm -rf .venv var dist
