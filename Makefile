# Everything runs from .venv, which is made from hash-locked files; nothing outside this folder is touched.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
LOCK   := --universal --python-version 3.11 --generate-hashes --no-emit-index-url --custom-compile-command "make lock" -q

.PHONY: setup run test test-clean-clone check bench bench-detection bench-tools chaos seeded-bugs release-run soak torture fuzz causes hostile pictures lock clean

setup: $(VENV)/.dev

# The daemon on SQLite beside a traffic generator, or on your own files: make run LOGS="/var/log/nginx/access.log"
run: $(VENV)/.run
	@if [ -n "$(LOGS)" ]; then exec $(BIN)/log-sentinel run $(LOGS); else exec $(BIN)/python -m benchmarks.demo; fi

test: $(VENV)/.dev
	$(BIN)/pytest -n auto $(ARGS)

check: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.dev
	$(BIN)/python -m benchmarks.bench $(ARGS)

# How good the detection is, beside the usual rules, on labelled traffic: make bench-detection ARGS="--seeds 11 12"
bench-detection: $(VENV)/.dev
	$(BIN)/python -m benchmarks.detection $(ARGS)

# Breaks files, processes and databases at random for a while, then counts every line: make chaos SEED=7
SEED ?= 1
chaos: $(VENV)/.dev
	$(BIN)/python -m benchmarks.chaos --seed $(SEED) $(ARGS)

# Thirty-eight bugs of our own, each in a copy of the tree: the suite must catch them.
seeded-bugs: $(VENV)/.dev
	$(BIN)/python -m benchmarks.chaos.seeded_bugs --jobs 2 $(ARGS)

# A run of docs/reliability.md at release length, or a share of it: make release-run RUN=R4 SHARE=0.1
SHARE ?= 1
release-run: $(VENV)/.dev
	$(BIN)/python -m tests.reliability.runs $(RUN) --share $(SHARE)

# R11, ten million lines of a million addresses and paths, and R5, what can happen to a log file, 20,000 times over.
soak: ; $(MAKE) release-run RUN=R11
torture: ; $(MAKE) release-run RUN=R5

# A million lines of three servers, whole and broken, against writers that know what they wrote.
fuzz: $(VENV)/.dev
	FUZZ_LINES=1000000 $(BIN)/pytest tests/parsing/test_fuzz.py --timeout 7200

# Real servers asked each way to be denied 300 times: what share of their lines is read, and of the verdicts right.
causes: $(VENV)/.dev
	CAUSES_ROUNDS=300 $(BIN)/pytest tests/diagnosis/test_real_causes.py --log-cli-level INFO --timeout 7200

# Ten thousand hostile strings through every template: nothing of them takes effect.
hostile: $(VENV)/.dev
	HOSTILE_EXAMPLES=10000 $(BIN)/pytest tests/delivery/test_hostile_text.py tests/delivery/test_apprise.py --timeout 7200

# The messages of docs/alerts.md as pictures. Needs a Chromium.
pictures: $(VENV)/.dev
	$(BIN)/python -m tests.delivery.pictures docs/images

# What the README tells a new user to do, from a clean clone, downloads included.
test-clean-clone: $(VENV)/.dev
	$(BIN)/python -m tests.packaging.clean_clone

# GoAccess and ripgrep for the bench, into a folder of the build, without root.
bench-tools:
	sh benchmarks/peers.sh build/peers

# Needs uv. Lock files name no index, so that any mirror serves.
lock:
	uv pip compile pyproject.toml --extra postgres --extra nginx --group build $(LOCK) -o requirements.lock
	uv pip compile pyproject.toml --extra postgres --extra nginx --group build --group dev -c requirements.lock $(LOCK) -o requirements-dev.lock

clean:
	rm -rf $(VENV) build dist

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "log-sentinel needs Python 3.11 or newer; this is $$($(PYTHON) --version). Name another with: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "Python's venv module is missing. Install it with: sudo apt install python3-venv" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.run: requirements.lock pyproject.toml | $(BIN)/python
	@echo "Installing what log-sentinel needs into $(VENV) ..." >&2
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.run
	@echo "Installing the tests' and tools' needs into $(VENV) ..." >&2
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@
