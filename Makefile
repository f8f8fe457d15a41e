# Every task has a name here: `make help`. Nothing but make, git and Python 3.11 to 3.13 is needed.

.DEFAULT_GOAL := help
.NOTPARALLEL:

# Without compiled modules every start takes four times as long. Telemetry stays off.
unexport PYTHONDONTWRITEBYTECODE PYTHONPATH
export DAGSTER_DISABLE_TELEMETRY := 1
export DBT_SEND_ANONYMOUS_USAGE_STATS := false

BIN := .venv/bin
PIP := $(BIN)/python -m pip --quiet --quiet --disable-pip-version-check --no-input install --no-deps

# Named by content: a second `make` does nothing, another lock starts from an empty .venv.
LOCKED := .venv/.locked-$(firstword $(shell cksum < requirements.lock))
PROMETHEUS := .venv/prometheus/usr/bin/promtool
AZURITE := .venv/azurite/.version-3.37.0
INSTALLED := .venv/.installed-$(firstword $(shell cksum < pyproject.toml))

VALIDATORS_LOCK := conformance/requirements.lock
VALIDATORS := .venv-conformance/.locked-$(firstword $(shell cksum < $(VALIDATORS_LOCK)))
PIP_VALIDATORS = $(PIP:$(BIN)/%=.venv-conformance/bin/%) --require-hashes

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-17s %s\n", $$1, $$2}' Makefile

.PHONY: install
install: $(INSTALLED) ## Install everything, hashes checked, into .venv (PYTHON=python3.12)

.PHONY: demo
demo: $(INSTALLED) ## Run the sample company's bills and traces, and show what they cost
	$(BIN)/unitledger run
	$(BIN)/unitledger summary

.PHONY: test
test: $(INSTALLED) ## Run the tests (ARGS="-k reconciliation")
	$(BIN)/pytest -n auto --dist worksteal -m "not slow and not long" $(ARGS)

.PHONY: test-slow
test-slow: $(INSTALLED) ## Run the tests that run everything again and again: kills, restatements, benchmarks
	$(BIN)/pytest -n auto --dist loadfile -m slow $(ARGS)

.PHONY: test-long
test-long: $(INSTALLED) ## Run the tests that spoil telemetry in nine ways, and the worked case, with all of the ledger each time: minutes
	$(BIN)/pytest -m long $(ARGS)

.PHONY: azurite
azurite: $(AZURITE) ## Install Azurite, which plays Azure Blob storage in tests (needs npm)

.PHONY: prometheus
prometheus: $(PROMETHEUS) ## Unpack Debian's Prometheus, which tests fill and ask (needs apt-get, not root)

.PHONY: dev
dev: dbt-parse .dagster/dagster.yaml ## Open Dagster on http://127.0.0.1:3000
	DAGSTER_HOME=$(CURDIR)/.dagster $(BIN)/dagster dev

.PHONY: dbt-parse
dbt-parse: $(INSTALLED) ## Write dbt's manifest, which Dagster's definitions read
	$(BIN)/dbt parse --quiet --project-dir dbt --profiles-dir dbt

.PHONY: fmt
fmt: $(INSTALLED) ## Format Python; SQL is laid out by hand
	$(BIN)/ruff check --fix-only --quiet
	$(BIN)/ruff format

.PHONY: lint
lint: $(INSTALLED) ## Check style, the direction of imports, and SQL
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports --no-cache
	$(BIN)/sqlfluff lint --processes 0 dbt

.PHONY: type
type: $(INSTALLED) ## Check types
	$(BIN)/mypy

.PHONY: ci
ci: lint type try-azurite try-prometheus test test-slow ## Do what continuous integration does

.PHONY: try-azurite
try-azurite: $(INSTALLED) ## Install Azurite where npm can get it, else say which tests are skipped
	@{ command -v npm > /dev/null && $(MAKE) --no-print-directory azurite; } || \
		echo 'Azurite cannot be had here: the tests of Azure Blob storage are skipped.'

.PHONY: try-prometheus
try-prometheus: $(INSTALLED) ## Unpack Prometheus where apt-get can fetch it, else say which tests are skipped
	@command -v prometheus > /dev/null || \
		{ command -v apt-get > /dev/null && $(MAKE) --no-print-directory prometheus; } || \
		echo 'Prometheus cannot be had here: the tests that ask a real one are skipped.'

.PHONY: bench
bench: $(INSTALLED) ## Measure speed, memory and accuracy (N=1000000 attempts)
	$(BIN)/python -m benchmarks $(if $(N),--attempts $(N))

.PHONY: bench-litellm
bench-litellm: $(INSTALLED) ## Price the same events with litellm, a row at a time, in its own environment
	$(BIN)/python -m benchmarks --only tokens --only litellm $(if $(N),--attempts $(N))

.PHONY: generate-samples
generate-samples: $(INSTALLED) ## Write data_samples again: the same bytes, unless the generator changed
	$(BIN)/python data_samples/generate.py

.PHONY: docs
docs: $(INSTALLED) ## Write the parts of docs/ that are made from the code
	$(BIN)/unitledger vendors > docs/vendors.md
	$(BIN)/unitledger schema > docs/unitledger.schema.json

.PHONY: conformance
conformance: $(INSTALLED) $(VALIDATORS) ## Ask the official FOCUS validators about the exports (Python 3.12, minutes)
	$(BIN)/unitledger run
	$(BIN)/python -m conformance write exports .conformance
	.venv-conformance/bin/python conformance/official.py .conformance
	$(BIN)/python -m conformance judge .conformance

.PHONY: lock-conformance
lock-conformance: $(INSTALLED) ## Resolve the official validators into conformance/requirements.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.12 --generate-hashes \
		--custom-compile-command "make lock-conformance" $(ARGS) \
		conformance/requirements.in -o conformance/requirements.lock

.PHONY: lock
lock: $(INSTALLED) ## Resolve dependencies into requirements.lock (ARGS=--upgrade)
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --group dev \
		--custom-compile-command "make lock" $(ARGS) pyproject.toml -o requirements.lock

.PHONY: clean
clean: ## Remove what can be made again; the lake, which holds deliveries, and .venv stay
	rm -rf warehouse.duckdb* exports .conformance .dagster dbt/target dbt/logs logs
	rm -rf .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +

.dagster/dagster.yaml:
	mkdir -p .dagster
	printf 'telemetry:\n  enabled: false\nnux:\n  enabled: false\n' > $@

# The first Python that fits and has venv; else the last that fits, to say what it lacks.
define FIND_PYTHON
python=; \
for candidate in $(or $(PYTHON),python3.11 python3.12 python3.13 python3); do \
	"$$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
		2>/dev/null || continue; \
	python=$$candidate; \
	"$$candidate" -c 'import ensurepip, venv' 2>/dev/null && break; \
done; \
if [ -z "$$python" ]; then \
	echo 'unitledger needs Python 3.11, 3.12 or 3.13: install one, or name it with `make PYTHON=/path/to/python3.12`.' >&2; \
	exit 1; \
fi; \
"$$python" -c 'import ensurepip, venv' 2>/dev/null || { \
	"$$python" -c 'import sys; print("Python %d.%d lacks venv: on Debian and Ubuntu, install the package python%d.%d-venv." % (sys.version_info[:2] * 2))' >&2; \
	exit 1; \
}
endef

# Compiled here, on all processors, because pip uses only one.
$(LOCKED):
	@$(FIND_PYTHON); \
	echo "Installing into .venv with $$("$$python" --version): about a minute."; \
	"$$python" -m venv --clear .venv
	@$(PIP) --require-hashes --only-binary :all: --no-compile -r requirements.lock
	@$(BIN)/python -m compileall -q -j 0 .venv/lib > .venv/compile.log || true
	@touch $@

# Its scripts are not run. Without it, the tests of Blob storage are skipped. What npm would wait for
# without end is given up after three minutes.
$(AZURITE): | $(LOCKED)
	@$(BIN)/python -c 'import os, signal, sys; signal.alarm(180); os.execvp(sys.argv[1], sys.argv[1:])' \
		npm install --prefix .venv/azurite --no-package-lock --no-audit --no-fund --ignore-scripts \
		--fetch-retries=1 --fetch-timeout=30000 --fetch-retry-maxtimeout=10000 \
		--omit=dev --loglevel=error azurite@$(AZURITE:.venv/azurite/.version-%=%) || \
		{ echo 'npm did not install Azurite (it has three minutes): try `make azurite` again later.' >&2; exit 1; }
	@touch $@

# Two programs without dependencies: unpacked, not installed. A list of packages that is missing or old
# is renewed where that is allowed.
$(PROMETHEUS): | $(LOCKED)
	@mkdir -p .venv/prometheus
	@cd .venv/prometheus && { apt-get download -qq prometheus 2> /dev/null || \
		{ apt-get update -qq && apt-get download -qq prometheus; }; }
	@dpkg-deb -x .venv/prometheus/prometheus_*.deb .venv/prometheus
	@rm .venv/prometheus/prometheus_*.deb
	@touch $@

# The official validators need Python 3.12 and packages that would break ours. Two of them are published
# as source only: they are built with what is locked, so that nothing without a hash is downloaded.
$(VALIDATORS):
	@for python in $(PYTHON312) python3.12 "$$HOME"/.pyenv/versions/3.12.*/bin/python3.12; do \
		"$$python" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info[:2] != (3, 12))' \
			2>/dev/null && break; \
		python=; \
	done; \
	if [ -z "$$python" ]; then \
		echo 'The official FOCUS validators need Python 3.12 with venv: install it, or name it with `make conformance PYTHON312=/path/to/python3.12`.' >&2; \
		exit 1; \
	fi; \
	echo 'Installing the official validators into .venv-conformance: about a minute.'; \
	"$$python" -m venv --clear .venv-conformance
	@awk '/^[a-z]/ { source = /^(focus-validator|pandasql)==/ } !source' $(VALIDATORS_LOCK) > .venv-conformance/wheels.txt
	@awk '/^[a-z]/ { source = /^(focus-validator|pandasql)==/ } source' $(VALIDATORS_LOCK) > .venv-conformance/source.txt
	@$(PIP_VALIDATORS) --only-binary :all: -r .venv-conformance/wheels.txt
	@$(PIP_VALIDATORS) --no-build-isolation -r .venv-conformance/source.txt
	@touch $@

# Built with the locked hatchling: nothing without a hash is downloaded.
$(INSTALLED): $(LOCKED)
	@$(PIP) --no-index --no-build-isolation --editable .
	@touch $@
