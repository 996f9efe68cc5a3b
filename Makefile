# Everything a developer or a newcomer runs. `make demo` and `make test` need Python 3.11+ and
# make, nothing else; they install into .venv and run in seconds the second time.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
# What the tests need beside the package: every framework that a model can be of.
FRAMEWORKS := $(VENV)/.frameworks

export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help install demo demo-stop test lint format check bench apiserver clouds minio clean

help:
	@echo "make demo       train on iris in a ZenML pipeline, deploy, predict (no cluster needed)"
	@echo "make demo-stop  stop what the demo started"
	@echo "make test       install and run the tests"
	@echo "make lint       ruff, mypy --strict, import-linter"
	@echo "make bench      measurements, as a table of ratios"

install: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "error: $(PYTHON) is older than Python 3.11"; \
	    echo "try:   make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 2; }
	@echo "installing into $(VENV) (one to two minutes the first time)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -c constraints.txt -e '.[dev]'
	@touch $@

$(FRAMEWORKS): $(STAMP)
	@echo "installing the frameworks that the tests train models with (some gigabytes, once)"
	$(BIN)/python -m pip install -q -c constraints.txt -e '.[dev,frameworks]'
	@touch $@

demo: install
	@$(BIN)/python -m examples.iris.demo

demo-stop: install
	@$(BIN)/python -m examples.iris.demo --stop

# The suites against a real Kubernetes API server need Go, once; without it they skip.
apiserver:
	@if command -v go >/dev/null || [ -n "$$KUBEBUILDER_ASSETS" ]; then \
	  [ -n "$$KUBEBUILDER_ASSETS" ] || $(MAKE) -s -C tests/apiserver >/dev/null || \
	  echo "it cannot be built here: the tests against it will be skipped"; \
	else echo "no Go: the tests against a real Kubernetes API server will be skipped"; fi

# So do those against servers of Google Cloud Storage (Go) and Azure Blob (Node); without, they skip.
clouds:
	@$(MAKE) -s -k -C tests/storage/clouds >/dev/null || \
	  echo "not every cloud's server can be made here: the tests against it will be skipped"

# And those against MinIO (Go), the S3 server that checks rights.
minio:
	@$(MAKE) -s -C tests/storage/minio >/dev/null || \
	  echo "MinIO cannot be built here: the tests against it will be skipped"

test: $(FRAMEWORKS) apiserver clouds minio
	$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

format: install
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(FRAMEWORKS) apiserver minio
	$(BIN)/python -m bench

clean:
	rm -rf $(VENV) .demo .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
