# Everything a person runs. `make help` lists it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
READY_TEST := $(VENV)/.ready-test
FRONT_END := webui/static/vendor/.ready
WORKERS ?= 2  # as many as cores: with more, pages wait so long for a core that walks fail

.DEFAULT_GOAL := help
.PHONY: help run test coverage check bench soak fmt migrate messages clean

help: ## Show this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

run: $(READY) $(FRONT_END) ## Start the product with demo data and a carrier of its own (TRUNK=twilio-demo: a Twilio of its own)
	@$(BIN)/callcenter serve --demo $(if $(TRUNK),--trunk $(TRUNK))

test: $(READY_TEST) $(FRONT_END) ## Run the tests (brings Debian packages when root, else says which)
	@sh scripts/debian-packages.sh
	@$(BIN)/python -m pytest -n $(strip $(WORKERS)) --dist loadfile --no-loadscope-reorder $(ARGS)

coverage: $(READY_TEST) $(FRONT_END) ## Run the tests and list the lines they do not reach (half as long again)
	@sh scripts/debian-packages.sh
	@$(BIN)/python -m pytest -n $(strip $(WORKERS)) --dist loadfile --no-loadscope-reorder --cov --cov-report=term:skip-covered $(ARGS)

check: $(READY_TEST) ## Formatting, lint, types, import rules, translations
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python scripts/check_translations.py

bench: $(READY_TEST) $(FRONT_END) ## Measure: latencies, calls a second, bridges, a campaign (over half an hour; ARGS=campaign: that alone)
	@sh scripts/debian-packages.sh
	@$(BIN)/python -m bench $(ARGS)

soak: $(READY_TEST) $(FRONT_END) ## The long and the crashing tests
	@sh scripts/debian-packages.sh
	@$(BIN)/python -m pytest -m soak -n $(strip $(WORKERS)) --dist load -rP $(ARGS)

fmt: $(READY_TEST) ## Format and mend what can be mended by itself
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

migrate: $(READY) ## Bring the database of CALLCENTER_DATABASE_URL up to date
	@$(BIN)/callcenter migrate

messages: $(READY_TEST) ## Collect texts to translate into webui/locale
	@$(BIN)/python scripts/check_translations.py --update

clean: ## Remove what the other commands made (not your data)
	rm -rf $(VENV) node_modules webui/static/vendor .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage*

$(READY): pyproject.toml requirements.lock
	@sh scripts/python-environment.sh $(PYTHON) $(VENV)
	@touch $@

$(READY_TEST): $(READY)
	@echo "Installing what tests and checks need ..."
	@$(BIN)/pip install --quiet --disable-pip-version-check -c requirements.lock -e '.[test,check]'
	@touch $@

$(FRONT_END): $(READY) package.json package-lock.json scripts/front_end.py
	@$(BIN)/python scripts/front_end.py
	@touch $@
