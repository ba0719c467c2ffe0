# Two commands matter: `make run` and `make test`. Both set up what they need, from nothing.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.ONESHELL:
.SHELLFLAGS := -eu -o pipefail -c
HERE := $(patsubst %/,%,$(dir $(abspath $(lastword $(MAKEFILE_LIST)))))
VENV := $(HERE)/.venv
PYTHON := $(VENV)/bin/python
SETUP := $(HERE)/setup.sh
COLLECTION := docs/api/partner-v1.postman_collection.json
HUB := cd "$(HERE)" && exec "$(PYTHON)" -m config.embedded
# a check needs a database to look at; this one is gone afterwards
WITH_STORES := "$(PYTHON)" -m config.embedded with --
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help run stop status env setup test bench eval check fmt openapi lock shell clean

help: ## Show this list
	@grep -hE '^[a-z]+:.*## ' "$(HERE)/Makefile" | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 18

run: ## Set up everything and serve (PORT=8000); Ctrl-C stops it
	@"$(SETUP)" requirements.txt requirements-analysis.txt
	$(HUB) run

stop: ## Stop a running `make run` of this checkout
	@$(HUB) stop

status: ## Say whether this checkout is serving, and where
	@$(HUB) status

env: ## Print the exports that let psql and manage.py use the running stores
	@$(HUB) env

setup: ## Install everything, also what the tests need
	@"$(SETUP)" requirements.txt requirements-analysis.txt requirements-dev.txt
	"$(HERE)/setup-browser.sh"

test: setup ## Set up everything, check the code, run all tests
	@$(MAKE) --no-print-directory -C "$(HERE)" check
	cd "$(HERE)" && "$(PYTHON)" -m pytest -n 2 $(ARGS)

bench: ## Set up everything and run the benchmarks (ARGS=--help lists them)
	@"$(SETUP)" requirements.txt requirements-analysis.txt
	"$(HERE)/benchmarks/setup.sh"
	cd "$(HERE)" && exec "$(PYTHON)" -m benchmarks $(ARGS)

eval: ## Measure how well calls are analysed (ARGS=--write puts the tables into docs/analysis.md)
	@"$(SETUP)" requirements.txt requirements-analysis.txt
	cd "$(HERE)" && exec "$(PYTHON)" -m evaluation $(ARGS)

check: ## Lint, types, imports, migrations, OpenAPI
	@cd "$(HERE)"
	"$(VENV)/bin/ruff" check .
	"$(VENV)/bin/ruff" format --check .
	"$(VENV)/bin/lint-imports" --no-cache
	$(WITH_STORES) bash -c '
	  set -eu
	  "$(VENV)/bin/mypy" .
	  "$(PYTHON)" manage.py makemigrations --check --dry-run
	  "$(PYTHON)" manage.py spectacular --validate --fail-on-warn --file docs/openapi.yaml.new
	  diff -u docs/openapi.yaml docs/openapi.yaml.new || { echo "docs/openapi.yaml is old: make openapi"; exit 1; }
	  "$(PYTHON)" -m config.api.postman docs/openapi.yaml $(COLLECTION).new
	  cmp $(COLLECTION) $(COLLECTION).new || { echo "$(COLLECTION) is old: make openapi"; exit 1; }
	' ; status=$$?; rm -f docs/openapi.yaml.new $(COLLECTION).new; exit $$status

fmt: ## Format the code and mend what ruff can
	@cd "$(HERE)"
	"$(VENV)/bin/ruff" check --fix . || true
	"$(VENV)/bin/ruff" format .

openapi: ## Write docs/openapi.yaml and the Postman collection from the code
	@cd "$(HERE)"
	$(WITH_STORES) "$(PYTHON)" manage.py spectacular --validate --fail-on-warn --file docs/openapi.yaml
	"$(PYTHON)" -m config.api.postman docs/openapi.yaml $(COLLECTION)

lock: ## Resolve requirements*.in into pinned, hashed requirements*.txt, for every platform
	@cd "$(HERE)"
	for name in requirements requirements-analysis requirements-s3 requirements-dev benchmarks/peers/{p1,p3}/requirements; do
	  "$(VENV)/bin/uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	    --no-annotate --no-emit-index-url --output-file "$$name.txt" "$$name.in"
	done

shell: ## A Django shell on the running stores
	@cd "$(HERE)"
	eval "$$("$(PYTHON)" -m config.embedded env)"
	exec "$(PYTHON)" manage.py shell

clean: ## Remove the virtual environment and caches; var/ with its data stays
	@cd "$(HERE)"
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
