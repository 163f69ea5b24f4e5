# `make` alone prints the list of targets. Every target sets up what it needs.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
unexport PYTHONDONTWRITEBYTECODE  # else every process of the tests compiles every module again

.PHONY: help setup train sweep test suite coverage check docs format notebooks bench soak preview pictures ui lock clean

help:  ## print this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 18

setup: .venv/ready  ## create .venv from the lock file

.venv/ready: requirements.lock pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/python -m uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r requirements.lock
	$(BIN)/python -m uv pip install --quiet --python $(BIN)/python --no-deps --editable .
	touch $@

train: setup  ## train three losses on the laptop budget: python train.py -m loss=dice,tversky,focal
	$(BIN)/python train.py -m loss=dice,tversky,focal

sweep: setup  ## train the five losses with and without class weights
	$(BIN)/python train.py -m loss=dice,focal,lovasz,soft_ce,tversky class_weight=none,measured

test: setup  ## run ruff, mypy and all tests, and build the documentation
	$(MAKE) --no-print-directory --jobs 2 check docs suite

suite: setup
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

coverage: setup  ## run all tests with line and branch coverage (takes 1.5 times as long)
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder --cov --cov-report=term

check: setup  ## run ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: setup  ## build the documentation into build/docs, warnings are errors
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

format: setup  ## apply the automatic fixes of ruff
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

notebooks: setup  ## run the notebooks and store their outputs
	$(BIN)/python notebooks/store_outputs.py

bench: setup  ## measure speed ratios against other libraries, in pairs, into experiments/bench.json; twenty minutes
	$(BIN)/python tests/bench/run.py

soak: setup  ## kill a study 20 times at random, and stop an MLflow server; takes ten minutes
	$(BIN)/python tests/soak/kills.py
	$(BIN)/python tests/soak/server.py

preview: setup  ## draw a contact sheet of sheets with their truth, and print class shares
	$(BIN)/python -m thinline sheets --preview preview.png

pictures: setup  ## store pictures of the MLflow page of the published study in experiments/pictures
	THINLINE_PICTURES=experiments/pictures $(BIN)/python -m pytest -q tests/tracking/test_mlflow_page.py

ui: setup  ## start the MLflow web page for mlruns/
	$(BIN)/mlflow ui --backend-store-uri sqlite:///mlruns/mlflow.db

lock: setup  ## resolve pyproject.toml into requirements.lock: names, versions, hashes, no addresses
	$(BIN)/python -m uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes \
	    --no-emit-index-url --no-emit-find-links --no-header --quiet --output-file requirements.lock

clean:  ## remove caches; mlruns/ stays
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage*
