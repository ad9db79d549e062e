# make demo   set up, export and verify the examples, print verdicts and latency
# make test   set up, run all tests (C++ and Python)
# make lint   formatters and type checker, as CI runs them
TORCH ?= torch==2.13.0
PYTHON ?= python3

PY := .venv/bin/python
PIP := $(PY) -m pip --disable-pip-version-check
SOURCES := $(shell find csrc cmake python tests/cpp CMakeLists.txt pyproject.toml -type f ! -name '*.pyc')
CXX_FILES := $(shell find csrc tests/cpp benchmarks -name '*.cpp' -o -name '*.h')
PY_DIRS := python tests examples benchmarks docs
HAVE_GTEST := $(shell c++ -include gtest/gtest.h -E -x c++ /dev/null >/dev/null 2>&1 && echo ON || echo OFF)
# pytest, which names what was skipped.
PYTEST := $(PY) tests/run.py
# Two workers on two cores: threads that wait would spin on what the other worker needs.
# Files in their order: xdist would put those of few, long tests last, and one worker would wait for the other.
IN_PARALLEL := OMP_WAIT_POLICY=passive $(PYTEST) --numprocesses 2 --no-loadscope-reorder
# GoogleTest that arrives later must bring its tests with it.
INSTALLED := build/.installed-gtest-$(HAVE_GTEST)

.PHONY: demo test test-cpp test-build lint format docs site images operators networks test-networks verdicts migration test-migration test-docs test-rendering test-extras install clean
.DELETE_ON_ERROR:

install: $(INSTALLED)

# torch comes first and alone, by its exact version: with it in place nothing else fetches another build.
.venv/.tools: Makefile
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is missing: install Python 3.10 or newer (Debian: apt-get install python3)"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { echo "Python 3.10 or newer is needed, $(PYTHON) is older: make PYTHON=python3.11"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "Python's venv module is missing: apt-get install python3-venv"; exit 1; }
	@command -v c++ >/dev/null || { echo "no C++ compiler (c++) was found: apt-get install g++"; exit 1; }
	$(PYTHON) -m venv .venv
	$(PIP) install --quiet '$(TORCH)'
	$(PIP) install --quiet 'scikit-build-core>=0.10' nvidia-cudnn-frontend 'cmake>=3.19' ninja
	@touch $@

$(INSTALLED): .venv/.tools $(SOURCES) README.md
	@echo "building the C++ runner and installing the package into .venv: some two minutes on two cores"
	PATH="$(CURDIR)/.venv/bin:$$PATH" $(PIP) install --quiet --no-build-isolation \
	  --config-settings=cmake.define.TSHARNESS_TESTS=$(HAVE_GTEST) '.[dev]'
	@mkdir -p build && touch $@

demo: $(INSTALLED)
	$(PY) examples/demo.py

# The last run names what all of them have skipped.
test: export TSHARNESS_SKIPPED := $(CURDIR)/build/skipped.txt
test: $(INSTALLED)
	@rm -f "$(TSHARNESS_SKIPPED)"
	$(MAKE) --no-print-directory test-cpp
	$(IN_PARALLEL) --dist loadfile -m "not alone"
	$(PYTEST) -m alone

test-cpp: $(INSTALLED)
ifeq ($(HAVE_GTEST),ON)
	for tests in build/*/tests/cpp/tsharness-tests; do "$$tests" --gtest_brief=1 || exit 1; done
else
	@printf 'C++\tthe C++ tests: GoogleTest is missing (Debian: apt-get install libgtest-dev)\n' | tee -a "$${TSHARNESS_SKIPPED:-/dev/null}"
	@test "$$TSHARNESS_REQUIRE_TOOLS" != 1
endif

# Real networks of transformers and monai: a group of its own. What a group needs besides are extras of the
# package that is installed already, so that nothing is built again.
build/.networks: $(INSTALLED)
	$(PIP) install --quiet 'tsharness[networks]'
	@touch $@

# Other formats, by the packages that make and run them: a group of its own.
build/.migration: $(INSTALLED)
	$(PIP) install --quiet 'tsharness[executorch,onnx]'
	@touch $@

migration: build/.migration build/.networks
	$(PY) -m tsharness runner build --executorch
	$(PY) -W ignore docs/generate_migration.py

test-migration: build/.migration
	$(IN_PARALLEL) --dist loadfile tests/migration

# The ways to install from source.
test-build: $(INSTALLED)
	$(IN_PARALLEL) --dist loadfile tests/building

test-networks: build/.networks
	$(IN_PARALLEL) tests/networks

# The documentation: every command in it, and the site.
test-docs: build/.docs
	$(IN_PARALLEL) --dist loadfile tests/docs

build/.docs: $(INSTALLED)
	$(PIP) install --quiet 'tsharness[docs]'
	@touch $@

# Pages in a browser, and other people's judges of what is rendered.
test-rendering: build/.rendering
	$(PYTEST) tests/rendering

build/.rendering: $(INSTALLED) tests/rendering/package.json
	$(PIP) install --quiet 'tsharness[rendering]'
	@command -v npm >/dev/null || echo "npm is missing: the judges of HTML, SARIF and JUnit will be skipped (Debian: apt-get install npm)"
	@mkdir -p build/validators && cp tests/rendering/package.json build/validators
	! command -v npm >/dev/null || npm install --silent --no-audit --no-fund --ignore-scripts --prefix build/validators
	@touch $@

# What is said of files, where every optional package is installed: the same as where none is.
test-extras: build/.docs build/.migration build/.networks build/.rendering
	$(IN_PARALLEL) --dist loadfile tests/python/test_findings.py tests/python/test_inspect.py

site: build/.docs
	NO_MKDOCS_2_WARNING=1 $(PY) -m mkdocs build

images: site build/.rendering
	$(PIP) install --quiet pillow
	$(PY) -W ignore docs/make_images.py

# Healthy models and planted defects, and what becomes of the healthy ones elsewhere: hours; `--resume` goes on.
verdicts: build/.migration
	$(PY) -m tsharness runner build --executorch
	$(PY) -W ignore benchmarks/verdicts.py --migrate --page

networks: build/.networks
	$(PY) -W ignore docs/generate_networks.py
	$(PY) -W ignore docs/generate_inputs.py

lint: $(INSTALLED)
	$(PY) -m ruff check $(PY_DIRS)
	$(PY) -m ruff format --check $(PY_DIRS)
	$(PY) -m mypy
	.venv/bin/clang-format --dry-run --Werror $(CXX_FILES)

format: $(INSTALLED)
	$(PY) -m ruff check --fix $(PY_DIRS)
	$(PY) -m ruff format $(PY_DIRS)
	.venv/bin/clang-format -i $(CXX_FILES)

docs: $(INSTALLED)
	$(PY) docs/generate_findings.py
	$(PY) docs/generate_checks.py
	$(PY) docs/generate_cage.py
	$(PY) docs/generate_schemas.py
	$(PY) docs/generate_reference.py

# After an update of torch: what inspect knows of its operators.
operators: $(INSTALLED)
	$(PY) docs/generate_operators.py

clean:
	rm -rf .venv build demo
