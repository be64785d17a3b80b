# Two commands on a fresh machine: `make demo` and `make test`. Needs Python 3.11 or 3.12, a JDK 17 and Maven.

UV_VERSION := 0.13.9
UV := $(or $(shell command -v uv),.tollgate/uv/bin/uv)
RUN := $(UV) run --locked --extra bench
PYTHON ?= python3

.PHONY: setup demo test test-faults explore fuzz audit check docs test-jvm bench up down clean

setup: .venv/.stamp ## install everything that the project needs, into the project

.tollgate/uv/bin/uv:
	@echo "installing uv $(UV_VERSION) into .tollgate/uv"
	@$(PYTHON) -m venv .tollgate/uv
	@.tollgate/uv/bin/pip install --quiet uv==$(UV_VERSION)

.venv/.stamp: pyproject.toml uv.lock hatch_build.py $(wildcard proto/tollgate/v1/*.proto) | $(UV)
	@echo "installing the Python packages of uv.lock"
	@$(UV) sync --locked --extra bench --quiet
	@test -f wire/v1/usage_pb2.py || $(UV) sync --locked --extra bench --quiet --reinstall-package tollgate
	@touch $@

# Java compiles quickly instead of thoroughly: in half a minute the other way never pays (live balances after 4 s, not 0.4).
demo: export JDK_JAVA_OPTIONS ?= -XX:TieredStopAtLevel=1
demo: setup ## the main job on the local stack under realistic traffic, ending with a proof
	@$(RUN) tollgate demo --seconds $(or $(SECONDS),30)

QUICK := tests/unit tests/golden tests/oracle tests/oracle_subscriptions tests/properties tests/fuzz tests/simulation

test: setup check docs test-jvm ## all quick tiers: unit, golden and properties on all cores; then integration, on stacks of its own
	@$(RUN) pytest -n auto --dist worksteal --durations=10 $(QUICK)
	@$(RUN) pytest --durations=25 tests/integration

test-faults: setup ## the long fault runs
	@$(RUN) pytest -m faults

explore: setup ## the properties N times (10), each time with cases that nobody drew before
	@for round in $$(seq $(or $(N),10)); do \
	  echo "explore: round $$round"; $(RUN) pytest -n auto --dist worksteal -q --hypothesis-profile explore tests/properties || exit 1; done

fuzz: setup ## every decoder against N inputs that nobody wrote (SEED=1)
	@$(RUN) python -m tests.fuzz $(or $(N),100000) $(or $(SEED),1)

audit: setup ## the locked packages against the database of known vulnerabilities, which needs a network
	@$(UV) export --locked --extra bench --no-emit-project --format requirements-txt --quiet --output-file .tollgate/requirements.txt
	@$(RUN) pip-audit --vulnerability-service osv --disable-pip --require-hashes --requirement .tollgate/requirements.txt || \
	  { echo "make audit: no clean verdict: see above what is known, or that the OSV database was not reached"; exit 1; }

check: setup ## style, types, and which package may import which
	@$(RUN) ruff check .
	@$(RUN) ruff format --check .
	@$(RUN) mypy
	@$(RUN) lint-imports

docs: setup ## the pages of docs/ as a site below .tollgate/site; a link that leads nowhere is an error
	@$(RUN) python -m tests.golden.sample_invoice .tollgate/docs/reference/sample-invoice.pdf
	@NO_MKDOCS_2_WARNING=1 $(UV) run --locked --isolated --only-group docs mkdocs build --quiet
	@echo "docs: .tollgate/site/index.html"

test-jvm: setup ## the JVM module: build, checksums, JUnit
	@$(RUN) python -m tollgate.local.build_jvm

bench: setup ## throughput against a plain loop over the same core
	@$(RUN) tollgate bench

up: setup
	@$(RUN) tollgate up

down: setup
	@$(RUN) tollgate down

clean: ## remove everything that was built, installed or stored; stops the stack first
	@test ! -f .tollgate/run.json || $(RUN) tollgate down
	@rm -rf .venv .tollgate jvm/target jvm/*/target wire/v1
