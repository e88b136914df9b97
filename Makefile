# Every target works on a fresh machine that has Python 3.11 or later, Go and make.
# `make` alone prints what there is.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
NAME ?= test
PYTEST := $(BIN)/pytest
SPREAD := --numprocesses=auto --maxprocesses=4
RUCIO := $(patsubst images/rucio/requirements/%.lock,%,$(wildcard images/rucio/requirements/*.lock))

.DEFAULT_GOAL := help
.PHONY: help packages lint unit contract e2e test bench crds monitoring lock images components cluster-up cluster-down demo demo-down clean

help: ## Print this help
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sort -t: -k1,1 | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

$(READY): pyproject.toml requirements/dev.lock
	@echo "== Python environment in $(VENV)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

packages: ## Install the Debian packages that a real cluster needs (as root; otherwise print the command)
	@$(PYTHON) -m tests.cluster packages

lint: $(READY) ## ruff, mypy --strict and the layers of the code
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

unit: $(READY) ## Tests of pure code: seconds, on any machine
	$(PYTEST) tests/unit images

contract: $(READY) packages ## The operator against a real API server and etcd
	$(PYTEST) $(SPREAD) tests/contract

e2e: $(READY) packages images ## The operator, installed by Helm, on a real node with pods
	$(PYTEST) tests/e2e

test: lint packages components images ## Everything: lint, unit, contract and end-to-end tests
	$(PYTEST) $(SPREAD) tests images

bench: $(READY) packages components ## Figures of the operator beside its peers, on the same API server
	$(BIN)/python -m tests.bench

monitoring: $(READY) ## Write the chart's rules for Prometheus and its dashboard for Grafana
	$(BIN)/datalake monitoring

crds: $(READY) ## Write crds/ from the models, and the chart's copies of them
	$(BIN)/datalake crds
	cp $$(ls crds/*.yaml | grep -v kustomization) charts/datalake-operator/files/crds/

lock: $(READY) ## Renew the pinned dependencies
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	    --custom-compile-command "make lock" pyproject.toml -o requirements/operator.lock
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	    --custom-compile-command "make lock" --extra lint --extra test --extra dev --constraint requirements/operator.lock \
	    pyproject.toml requirements/build.in -o requirements/dev.lock
	for version in $(RUCIO); do echo "rucio[postgresql]==$$version" | \
	    $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	    --custom-compile-command "make lock" - images/rucio/requirements/server.in \
	    -o images/rucio/requirements/$$version.lock || exit; done
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	    --custom-compile-command "make lock" images/probe/requirements/rucio.in -o images/probe/requirements/rucio.lock

components: packages ## Build the parts of the cluster once, into ~/.cache/datalake-operator
	@$(PYTHON) -m tests.cluster build

images: packages ## Build the container images that changed; REGISTRY=... PUSH=1 publishes them
	@$(PYTHON) images/build.py $(if $(REGISTRY),--registry $(REGISTRY)) $(if $(PUSH),--push)

cluster-up: packages ## Start a real cluster with one node; NAME=... for another
	@$(PYTHON) -m tests.cluster up --flavour node --name $(NAME)

cluster-down: ## Stop the cluster of cluster-up, and leave nothing behind; NAME=... for another
	@$(PYTHON) -m tests.cluster down --name $(NAME)

demo: $(READY) packages components images ## A cluster, the operator, a cache, a Rucio, and the page with a grid of real transfers
	@$(BIN)/python -m tests.demo up

demo-down: ## Remove the demo
	@$(PYTHON) -m tests.demo down

clean: ## Remove what make made here; the cache in ~/.cache/datalake-operator stays
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
