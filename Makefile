# 杏林 Xinglin. `make help` says what each word does.
PY := .venv/bin/python
.DEFAULT_GOAL := help
.PHONY: help setup demo test check bench format

help:  ## what each word does
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

.venv/.stamp: requirements-dev.lock pyproject.toml
	@test -x $(PY) || python3 -m venv .venv
	@echo "Installing the locked dependencies ..."
	@$(PY) -m pip install --quiet --disable-pip-version-check uv==0.13.9
	@.venv/bin/uv pip sync --quiet --require-hashes --python $(PY) requirements-dev.lock
	@.venv/bin/uv pip install --quiet --python $(PY) --no-deps --no-build-isolation --editable .
	@touch $@

setup: .venv/.stamp  ## .venv, locked dependencies, front-end files (idempotent)
	@$(PY) -m xinglin.web.assets

demo: setup  ## play one working day of Shawan county and serve it on http://127.0.0.1:8000
	@.venv/bin/xinglin demo

test: setup  ## every test
	@$(PY) -m pytest -n 2 --dist loadfile

bench: setup  ## every benchmark, one table each
	@for b in benchmarks/[a-z]*.py; do $(PY) -m benchmarks.$$(basename $$b .py) || exit 1; done

format: setup  ## put the code in form
	@.venv/bin/ruff check --fix --quiet . ; .venv/bin/ruff format --quiet .

check: setup  ## form, types, floors, docs
	@.venv/bin/ruff format --check . && .venv/bin/ruff check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports
	@$(PY) -m pytest -q tests/docs
