# Everything a newcomer may run. Each target bootstraps .venv by itself.
SHELL := /bin/bash
BIN := .venv/bin
# What the demo must not take from the environment or from .env: its data and its engine.
DEMO := VERINOTE_DATA_DIR=var/demo VERINOTE_DATABASE_URL= VERINOTE_CHROMA_URL= \
	VERINOTE_ENGINE=local
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-header pyproject.toml --group install

.DEFAULT_GOAL := help
.PHONY: help demo test lint soak screenshots examples serve lock readme clean

help:
	@sed -n 's/^\([a-z]*\):.*  ## /  make \1\t/p' Makefile

.venv/.runtime: requirements.lock pyproject.toml .ci/bootstrap
	@.ci/bootstrap requirements.lock
	@touch $@

.venv/.dev: requirements-dev.lock requirements.lock pyproject.toml .ci/bootstrap
	@.ci/bootstrap requirements-dev.lock
	@touch .venv/.runtime $@

demo: .venv/.runtime  ## verify the seed article with the embedded engine, no key and no network
	@$(DEMO) $(BIN)/verinote corpus add seeds/statements
	@$(DEMO) $(BIN)/verinote verify seeds/articles/*.md --engine local --out var/demo/notes.jsonl

test: .venv/.dev  ## the whole suite
	@.ci/programs
	@$(BIN)/python -m pytest -n 2

lint: .venv/.dev  ## style, types and the arrows between the rooms
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

soak: .venv/.dev  ## the long proofs; results go to docs/soak/ and docs/performance/
	@$(BIN)/python -m pytest -m soak -o faulthandler_timeout=3600
	@$(BIN)/verinote eval performance-page

screenshots: .venv/.dev  ## every page of the desk, light and dark, wide and narrow, to var/screenshots/
	@.ci/programs
	@PYTHONPATH=tests $(BIN)/python tests/desk/screenshots.py

examples: .venv/.dev  ## play the story that /docs shows, and write down what the service answers
	@PYTHONPATH=tests $(BIN)/python tests/api/story.py

serve: .venv/.runtime  ## the service at http://127.0.0.1:8000, worker included, data under var/
	@exec $(BIN)/verinote serve

lock: .venv/.dev  ## compile both lock files from pyproject.toml
	@$(COMPILE) -o requirements.lock
	@$(COMPILE) --group dev -c requirements.lock -o requirements-dev.lock

readme: .venv/.dev  ## run the commands of README.md in a fresh copy and write down what they print
	@$(BIN)/python .ci/readme.py

clean:  ## remove .venv, what was built and the demo's data; other data stays
	rm -rf .venv dist var/demo
