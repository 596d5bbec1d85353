# `make gallery` and `make test` work on a fresh clone: tools/bootstrap.sh sets up .venv first.

QUALITY ?= qm
JOBS ?= $(shell nproc 2>/dev/null || sysctl -n hw.ncpu 2>/dev/null || echo 2)
SITE ?= site
ARGS ?=

ifeq ($(OS),Windows_NT)
BIN := .venv/Scripts
else
BIN := .venv/bin
endif

quality := $(patsubst -%,%,$(strip $(QUALITY)))
ifeq ($(filter ql qm qh qk,$(quality)),)
$(error QUALITY must be one of ql (480p15), qm (720p30), qh (1080p60), qk (2160p60); it is '$(QUALITY)')
endif

.PHONY: help gallery test lint bench bare lowest setup-gallery setup-test setup-bench clean
.DEFAULT_GOAL := help
# Two set-ups must not work on the same .venv at once.
.NOTPARALLEL:

help: ## This list
	@echo "make TARGET, where TARGET is one of"
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' Makefile

gallery: setup-gallery ## Train, record, render and build the gallery (QUALITY=ql|qm|qh|qk, JOBS=n)
	@$(BIN)/vizkit gallery -o $(SITE) -$(quality) --jobs $(JOBS)

# Each worker computes with one thread, otherwise they would wait for each other's cores.
test: setup-test ## Run all tests (ARGS="-k nn" for some of them)
	@OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -q -n $(JOBS) --dist loadfile $(ARGS)

lint: setup-test ## Check style, formatting and who imports whom
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports --no-logo

bench: setup-bench ## Run the benchmarks
	@set -e; for file in $$(grep -l __main__ benchmarks/*.py); do echo "== $$file"; $(BIN)/python "$$file"; done

bare: setup-gallery ## Check that `pip install .` brings NumPy and matplotlib only
	@bash tools/check_install.sh bare

lowest: setup-gallery ## Run the core tests with the lowest supported NumPy and matplotlib
	@JOBS=$(JOBS) bash tools/check_install.sh lowest

setup-gallery:
	@sh tools/bootstrap.sh gallery

setup-test:
	@sh tools/bootstrap.sh test

setup-bench:
	@sh tools/bootstrap.sh bench

clean: ## Remove what was built; the environment stays (rm -rf .venv for that too)
	rm -rf build dist media $(SITE) .venv-bare .venv-lowest .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -path './.venv*' -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +
