# Two commands do everything: `make up` starts a cluster on this machine, `make test` passes the tests.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UP ?= --registry
NODES ?=
MASTERS ?=
HOSTS := $(if $(NODES),--nodes $(NODES)) $(if $(MASTERS),--masters $(MASTERS))

NODE_PACKAGES := containerd runc containernetworking-plugins nftables conntrack iptables iproute2 docker-registry
ENGINES := etcd-server mariadb-client-core mariadb-server-core postgresql-15
TEST_PACKAGES := $(NODE_PACKAGES) $(ENGINES) busybox-static curl iputils-ping libusrsctp-examples procps python3-minimal skopeo util-linux

.PHONY: up down purge status test check bench fuzz generate lock install install-dev format clean

up: install ## Start a cluster with the guestbook's images at hand; NODES=3, MASTERS=3: so many, each a host of its own
	@scripts/install-packages $(NODE_PACKAGES) $(if $(filter-out 1,$(MASTERS)),etcd-server)
	@$(BIN)/pynetes up $(UP) $(HOSTS)
	@$(BIN)/python examples/guestbook/build_images.py

down: ## Stop it; its state stays on disk
	@$(BIN)/pynetes down

purge: ## Stop it and remove its state
	@$(BIN)/pynetes purge

status:
	@$(BIN)/pynetes status

test: install-dev ## Run all tests: needs root (network namespaces, containers) and kubectl
	@scripts/install-packages $(TEST_PACKAGES)
	@scripts/test

check: install-dev ## Style, types, import directions
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

format: install-dev
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: install-dev ## Measure; prints the tables of docs/benchmarks.md
	@scripts/install-packages $(TEST_PACKAGES) etcd-client
	@$(BIN)/python -m bench

fuzz: install-dev ## Ten minutes of atheris for each of what reads clients' bytes; CORPUS=directory keeps what it learns
	@$(BIN)/python -c 'import atheris' 2>/dev/null || $(BIN)/pip install -q --disable-pip-version-check atheris==3.0.0
	@$(BIN)/python -m fuzz $(if $(CORPUS),--corpus $(CORPUS))

generate: install-dev ## Make the gRPC stubs out of the .proto files anew
	$(BIN)/python scripts/generate_protos.py

lock: ## Pin newer versions of all packages
	@test -x $(BIN)/pip-compile || $(BIN)/pip install -q pip-tools
	@PYTHON=$(BIN)/python scripts/lock

install: $(VENV)/.runtime
install-dev: $(VENV)/.dev

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Error: Python 3.11 or newer is needed" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || scripts/install-packages python3-venv
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: pyproject.toml requirements/runtime.lock requirements/build.lock build_schema/extract.py | $(BIN)/python
	@echo "Installing Python packages"
	@$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements/runtime.lock -r requirements/build.lock
	@$(BIN)/pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@$(BIN)/python -m compileall -q src # so that the first `up` is as fast as the others
	@touch $@

$(VENV)/.dev: requirements/dev.lock $(VENV)/.runtime
	@echo "Installing Python packages for development"
	@$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements/dev.lock
	@touch $@

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .import_linter_cache
