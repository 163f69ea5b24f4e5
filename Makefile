# `make` alone prints this list. Every target sets up what it needs.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin

.PHONY: help setup train sweep test coverage check format notebooks bench soak preview pictures ui lock clean

help:  ## this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 18

setup: .venv/ready  ## the environment in .venv, from the lock

.venv/ready: requirements.lock pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/python -m uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r requirements.lock
	$(BIN)/python -m uv pip install --quiet --python $(BIN)/python --no-deps --editable .
	touch $@

train: setup  ## three losses on the laptop budget: python train.py -m loss=dice,tversky,focal
	$(BIN)/python train.py -m loss=dice,tversky,focal

sweep: setup  ## the five losses with and without class weights
	$(BIN)/python train.py -m loss=dice,focal,lovasz,soft_ce,tversky class_weight=none,measured

test: check  ## linting, types, and the whole suite
	$(BIN)/python -m pytest -n 2 --dist worksteal

coverage: setup  ## the suite with lines and branches counted, which takes half as long again
	$(BIN)/python -m pytest -n 2 --dist worksteal --cov --cov-report=term

check: setup  ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: setup  ## let ruff mend what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

notebooks: setup  ## run the notebooks anew and keep what they show
	$(BIN)/python notebooks/store_outputs.py

bench: setup  ## ratios against peers, measured side by side in one process
	$(BIN)/python tests/bench/run.py

soak: setup  ## a study killed 20 times at random, and an MLflow server that goes down; takes ten minutes
	$(BIN)/python tests/soak/kills.py
	$(BIN)/python tests/soak/server.py

preview: setup  ## a contact sheet of sheets and their truth, and what they are made of
	$(BIN)/python -m thinline sheets --preview preview.png

pictures: setup  ## MLflow's page on the published study, as pictures in experiments/pictures
	THINLINE_PICTURES=experiments/pictures $(BIN)/python -m pytest -q tests/tracking/test_mlflow_page.py

ui: setup  ## the MLflow web page over mlruns/
	$(BIN)/mlflow ui --backend-store-uri sqlite:///mlruns/mlflow.db

lock: setup  ## resolve pyproject.toml anew: names, versions and hashes, no addresses
	$(BIN)/python -m uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes \
	    --no-emit-index-url --no-emit-find-links --no-header --quiet --output-file requirements.lock

clean:  ## remove caches; mlruns/ stays
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage*
