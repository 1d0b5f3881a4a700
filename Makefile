# make run     the inventory of examples/, from nothing but Python, gcc and make
# make test    every test that needs only the Python package index
# make help    the rest

PYTHON ?= python3
VENV   ?= .venv
BIN     = $(VENV)/bin

# All first-party packs; the inventory of examples/ needs but two, and `make run` is to be quick.
PACKS   = $(wildcard agent_packs/*)
NEEDED  = agent_packs/fuels agent_packs/electricity
PLUGINS = $(wildcard plugins/*)
# Speed tables, each a target for every row: see bench/speed_tables.py.
TABLES  = gcel kernel http batch redis postgresql identity observing discovery
# Whatever the compiled core and the installed metadata are made from: touch one, and it is built again.
SOURCES = setup.py pyproject.toml $(wildcard core_ext/greenlang_core/*.pyx core_ext/greenlang_core/*.pxd core_ext/greenlang_core/*.h) \
          $(wildcard agent_packs/*/pyproject.toml plugins/*/pyproject.toml runtime/greenlang/pack.yaml)

.PHONY: help run run-server test test-system image-check release-check test-release monitoring lint bench bench-publish bench-guard $(addprefix bench-,$(TABLES)) docs build clean

help:
	@echo 'make run          build, and print the inventory of examples/'
	@echo 'make run-server   the HTTP service at 127.0.0.1:8080'
	@echo 'make test         run the tests (needs the Python package index alone)'
	@echo 'make test-system  run the tests that need system programs, which it installs with apt'
	@echo 'make image-check  build the Dockerfile with buildah, look at the image and run it (needs root)'
	@echo 'make test-release run the tests of what a release makes (takes minutes)'
	@echo 'make release-check KEYS=FOLDER  everything that a release must be, tests and signatures too'
	@echo 'make monitoring   write the alert rules and dashboards of deploy/monitoring'
	@echo 'make lint         ruff and mypy'
	@echo 'make bench        every benchmark, kept for this commit (QUICK=1: those that take seconds)'
	@echo 'make bench-publish  what was kept, as graphs over commits, in build/bench (needs npm)'
	@echo 'make bench-guard  fail if a ratio is 15 % worse than it was (QUICK=1: as CI does; RECORD=1: keep it)'
	@echo 'make bench-TABLE  a speed table, a pass or a fail for each target; TABLE is one of'
	@echo '                  $(TABLES)'
	@echo 'make docs         the pages of docs/ as a site, in build/docs'
	@echo 'make build        make the environment in $(VENV) and build the compiled core'
	@echo 'make clean        remove the environment and everything built'

run: $(VENV)/.installed
	$(BIN)/greenlang run examples/inventory.gcel --input examples/activities.csv

run-server: $(VENV)/.serve
	$(BIN)/greenlang serve

# A process a core; `pytest` alone runs them one after the other.
test: $(VENV)/.test
	$(BIN)/python -m pytest --numprocesses auto --dist worksteal --ignore tests/system

# Programs are named in tests/system/install.sh; a test whose program is not there says so, and is skipped.
test-system: $(VENV)/.release
	@sh tests/system/install.sh
	$(BIN)/python -m pytest tests/system

image-check: $(VENV)/.system
	$(BIN)/python deploy/image/check.py

release-check: $(VENV)/.release
	$(BIN)/python deploy/release/check.py $(if $(KEYS),--keys $(KEYS))

test-release: $(VENV)/.release
	$(BIN)/python -m pytest tests/system/release/in_full.py

monitoring: $(VENV)/.installed
	$(BIN)/python deploy/monitoring/generate.py

lint: $(VENV)/.lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# With QUICK=1 the rows alone that every change is held to.
bench: $(VENV)/.bench
	$(BIN)/asv machine --yes
	GREENLANG_BENCH_QUICK=$(QUICK) $(BIN)/asv run --quick $(if $(QUICK),--bench '^tracked',--show-stderr) \
	    --environment existing:$(CURDIR)/$(BIN)/python --set-commit-hash $$(git rev-parse HEAD)

bench-publish: $(VENV)/.bench
	$(BIN)/python -m bench.dashboard build/bench

bench-guard: $(VENV)/.bench
	$(BIN)/python -m bench.guard $(if $(QUICK),--quick) $(if $(RECORD),--record)

$(addprefix bench-,$(TABLES)): bench-%: $(VENV)/.bench
	$(BIN)/python -m bench.speed_tables $*

docs: $(VENV)/.docs
	$(BIN)/python -m sphinx --fail-on-warning --keep-going --quiet docs build/docs
	@echo build/docs/index.html

build: $(VENV)/.packs

$(VENV)/.created:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	@touch $@

# Editable, so that a checkout runs what it holds; one pip call, so that the packs find this runtime.
$(VENV)/.installed: $(VENV)/.created $(SOURCES)
	$(BIN)/python -m pip install --quiet --editable . $(addprefix --editable ,$(NEEDED))
	@touch $@

$(VENV)/.packs: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet $(addprefix --editable ,$(PACKS) $(PLUGINS))
	@touch $@

# Extras of what is installed already: nothing is built again.
$(VENV)/.serve: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet 'greenlang-runtime[serve]'
	@touch $@

$(VENV)/.test: $(VENV)/.packs
	$(BIN)/python -m pip install --quiet 'greenlang-runtime[docs,packs,test]'
	@touch $@

$(VENV)/.system: $(VENV)/.test
	$(BIN)/python -m pip install --quiet 'greenlang-runtime[system]'
	@touch $@

$(VENV)/.release: $(VENV)/.system
	$(BIN)/python -m pip install --quiet 'greenlang-runtime[release]'
	@touch $@

$(VENV)/.lint: $(VENV)/.test
	$(BIN)/python -m pip install --quiet 'greenlang-runtime[lint]'
	@touch $@

$(VENV)/.docs: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet 'greenlang-runtime[docs]'
	@touch $@

# What is measured is beside packs, plugins and servers that the tests need too.
$(VENV)/.bench: $(VENV)/.test
	$(BIN)/python -m pip install --quiet 'greenlang-runtime[bench]'
	@touch $@

clean:
	rm -rf $(VENV) build .asv runtime/*.egg-info agent_packs/*/src/*.egg-info plugins/*/src/*.egg-info
	rm -f core_ext/greenlang_core/*.so core_ext/greenlang_core/*.c
