# Set-up, tests and figures of the CMA toolkit. `make` alone lists the targets.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
BROWSER := build/browser/chromium

.DEFAULT_GOAL := help
.PHONY: help setup demo browser test test-emulator check figure figures soak fuzz lock clean

help: ## List the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## Make .venv and install the locked dependencies and `cma` into it

$(STAMP): requirements.lock pyproject.toml setup.py
	@echo "setting up $(VENV): some minutes, once" >&2
	@PYTHON=$(PYTHON) sh tests/support/make_venv.sh $(VENV)
	@$(BIN)/python -m pip install -qq --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install -qq --no-deps --no-build-isolation -e .
	@touch $@

demo: setup ## Flash, provision and run 8 virtual boards (BOARDS=32; NAME=ota for releases; PORTS="/dev/ttyUSB0 …" for real ones)
	@$(BIN)/python -m cma_toolkit.host_tools.cli.main demo $(NAME) $(if $(PORTS),--ports "$(PORTS)",--boards $(or $(BOARDS),8))

browser: $(BROWSER) ## Fetch the headless browser that tests open reports in (or name one: CMA_CHROMIUM)

$(BROWSER): tests/browser/make_browser.sh tests/browser/node.txt tests/browser/package-lock.json | setup
	@[ -n "$(CMA_CHROMIUM)" ] || sh tests/browser/make_browser.sh $(BIN)/python $(@D)

test: setup browser ## Run every test but the long forms: some 17 minutes on two cores
	@$(BIN)/python -m pytest -q -n 4 --dist loadgroup

test-emulator: setup ## Run the tests of the virtual boards and the emulated world only
	@$(BIN)/python -m pytest -q -n 4 --dist loadgroup tests/virtual tests/world

check: setup ## Lint, type-check, compile the firmware, and hold the tree to its own rules
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .
	@mkdir -p build/typing && ln -sfn ../.. build/typing/cma_toolkit
	@MYPYPATH=build/typing $(BIN)/mypy -p cma_toolkit.boards -p cma_toolkit.host_tools -p cma_toolkit.sim -p cma_toolkit.firmware.kernel
	@$(BIN)/python -m pytest -q tests/tidy

figure: setup ## Measure one figure: make figure NAME=board_memory_mb
	@$(BIN)/python tests/bench/run.py $(NAME)

figures: setup ## Measure all figures (hours; world_mutants alone takes one)
	@$(BIN)/python tests/bench/run.py --all

soak: setup ## Run the long forms of the tests, for hours (HOURS=2)
	@$(BIN)/python tests/bench/soak.py --hours $(or $(HOURS),2)

fuzz: setup ## Fuzz every parser that faces the air or a cable, or one (NAME=cbor), for a time (MINUTES=30)
	@$(BIN)/python tests/fuzz/run.py $(NAME) $(if $(MINUTES),--minutes $(MINUTES))

lock: setup ## Resolve the dependencies again and rewrite requirements.lock
	@$(BIN)/python -m pip install -qq uv
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header \
	  --no-emit-index-url --no-emit-find-links --extra dev pyproject.toml -o requirements.lock

clean: ## Remove .venv and everything that is made from the sources
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
