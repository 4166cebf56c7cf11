# kgan: `make demo` trains a GAN on real digits, `make test` runs the tests. Both set up .venv on first use.

ROOT := $(patsubst %/,%,$(dir $(abspath $(lastword $(MAKEFILE_LIST)))))
PYTHON ?= python3
VENV := $(ROOT)/.venv
NIGHTLY := $(ROOT)/.venv-nightly
RUN := cd "$(ROOT)" && TF_CPP_MIN_LOG_LEVEL=2
PY := "$(VENV)/bin/python"
# The versions that `make test-backends` installs; the torch wheel for CPUs is chosen by your index.
BACKENDS ?= jax torch==2.13.0
SEEDS ?= 0 1 2
WORKERS ?= 2
# Compiled here: where PYTHONDONTWRITEBYTECODE is set, every process would otherwise compile what it imports, for 16 seconds of processor time.
PIP := --quiet --disable-pip-version-check
PYTEST := $(PY) -m pytest -n $(WORKERS) --dist loadgroup
# Two workers on two cores: one thread each.
ONE_THREAD := OMP_NUM_THREADS=1 TF_NUM_INTRAOP_THREADS=1 TF_NUM_INTEROP_THREADS=1
# JAX compiles every operation for every shape; most come back.
JAX_CACHE := JAX_COMPILATION_CACHE_DIR="$(VENV)/jax-cache" JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS=0 JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES=-1

BACKEND_TESTS := tests/conformance tests/backend tests/engine tests/layers tests/objectives tests/penalties tests/test_augmentations.py tests/metrics/test_judges.py tests/metrics/test_random_convolutions.py tests/test_diagnostics_and_divergences.py
ACROSS := tests/conformance/test_across_backends.py

.PHONY: help demo test test-slow test-backends test-all test-nightly lint docs docs-serve proofs bench clean
# Two suites at a time would share two cores.
.NOTPARALLEL:

help:
	@echo "make demo           train SNGAN on handwritten digits into runs/demo/ (about four minutes on two cores)"
	@echo "make test           run the tests on TensorFlow (some twenty minutes on two cores)"
	@echo "make test-all       run those, the second tier, and the tests on JAX and torch (an hour)"
	@echo "make test-slow      run the second tier on TensorFlow alone"
	@echo "make test-backends  run the tests on JAX and torch alone"
	@echo "make test-nightly   run the tests with Keras' nightly wheel"
	@echo "make lint           check style and types"
	@echo "make docs           build the documentation into site/; make docs-serve shows it in a browser"
	@echo "make proofs         run all proof runs (days on two cores; SEEDS='0 1 2', SMOKE=--smoke; one: python -m benchmarks.proofs.NAME)"
	@echo "make bench          time rounds against other ways to train the same networks (forty minutes)"

$(VENV)/.installed: $(ROOT)/pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "kgan needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1). Use make PYTHON=python3.11"; exit 1; }
	@echo "Setting up $(VENV) (once; some minutes and about 2 GB)"
	$(PYTHON) -m venv "$(VENV)"
	$(PY) -m pip install $(PIP) -e "$(ROOT)[dev]"
	@touch "$@"

$(VENV)/.backends: $(VENV)/.installed
	$(PY) -m pip install $(PIP) $(BACKENDS)
	@touch "$@"

demo: $(VENV)/.installed
	@rm -rf "$(ROOT)/runs/demo"
	@$(RUN) $(PY) applications/sngan/train.py --output runs/demo

test: $(VENV)/.installed
	@$(RUN) $(ONE_THREAD) KERAS_BACKEND=tensorflow $(PYTEST)

test-slow: $(VENV)/.installed
	@$(RUN) $(ONE_THREAD) KERAS_BACKEND=tensorflow $(PYTEST) -m slow --ignore $(ACROSS)

# Both tiers: `-m ""`.
test-backends: $(VENV)/.backends
	@$(RUN) $(ONE_THREAD) $(JAX_CACHE) KERAS_BACKEND=jax $(PYTEST) -m "" $(BACKEND_TESTS)
	@$(RUN) $(ONE_THREAD) KERAS_BACKEND=torch $(PYTEST) -m "" $(BACKEND_TESTS)
	@$(RUN) $(ONE_THREAD) $(JAX_CACHE) $(PY) -m pytest -m "" $(ACROSS)

test-all: test test-slow test-backends

# An environment of its own, installed anew at every call: the nightly wheel of today, which brings the package `keras` itself.
test-nightly:
	@rm -rf "$(NIGHTLY)"
	$(PYTHON) -m venv "$(NIGHTLY)"
	"$(NIGHTLY)/bin/python" -m pip install $(PIP) -e "$(ROOT)[dev]"
	"$(NIGHTLY)/bin/python" -m pip uninstall --quiet --yes keras
	"$(NIGHTLY)/bin/python" -m pip install $(PIP) --pre keras-nightly
	@$(RUN) $(ONE_THREAD) KERAS_BACKEND=tensorflow "$(NIGHTLY)/bin/python" -m pytest -n $(WORKERS) --dist loadgroup

lint: $(VENV)/.installed
	@$(RUN) $(PY) -m ruff check . && $(PY) -m ruff format --check . && $(PY) -m mypy

MKDOCS := NO_MKDOCS_2_WARNING=1 DISABLE_MKDOCS_2_WARNING=true $(PY) -m mkdocs

docs: $(VENV)/.installed
	@$(RUN) $(MKDOCS) build --strict --quiet
	@echo "The documentation is in site/index.html"

docs-serve: $(VENV)/.installed
	@$(RUN) $(MKDOCS) serve

proofs: $(VENV)/.installed
	@$(RUN) $(PY) -m benchmarks.proofs --seeds $(SEEDS) $(SMOKE)

bench: $(VENV)/.installed
	@$(RUN) $(PY) -m benchmarks.peers.speed

clean:
	rm -rf "$(VENV)" "$(NIGHTLY)" "$(ROOT)/runs" "$(ROOT)/site" "$(ROOT)/build" "$(ROOT)"/*.egg-info
