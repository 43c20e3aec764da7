# make demo    a guided run with a throw-away issuer
# make test    what every commit must pass
# make long    what takes more; can be stopped and goes on where it was
# make system  the programs that the tests run: openssl, Redis, PostgreSQL, a Secret Service, jose
# make bench   speed, as ratios against peers in one run
# make docs    the pages made from data (docs/codes)
# make clean   remove the environment and everything that was built

SHELL       := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
# Where the tests take their workers from; two cores are enough.
JOBS   ?= auto

export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help demo test system lint types unit wheel long bench docs clean

help:
	@sed -n 's/^# make /make /p' Makefile

demo: $(VENV)/.installed
	@$(BIN)/policyjwt demo

test: system lint types unit

# Which packages of Debian lack here. Debian keeps initdb off the path. Valkey is tested where apt has it.
MISSING = { command -v openssl || echo openssl >&3; \
  command -v redis-server || echo redis-server >&3; \
  command -v dbus-daemon || echo dbus >&3; \
  command -v gnome-keyring-daemon || echo gnome-keyring >&3; \
  command -v jose || echo jose >&3; \
  command -v initdb || ls /usr/lib/postgresql/*/bin/initdb || echo postgresql >&3; } 3>&1 >/dev/null 2>&1
NO_CLUSTER := /etc/postgresql-common/createcluster.d/policyjwt.conf

# Installs where nothing else is disturbed: as root, with apt, where no systemd runs that would start the servers.
# RUNLEVEL=1 keeps them from being started, and for as long as apt runs a file says that no cluster is made.
system:
	@missing=$$($(MISSING)); \
	if [ -z "$$missing" ]; then exit 0; fi; \
	if [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null || [ -d /run/systemd/system ]; then \
	  echo "make: the tests run servers of their own; install" $$missing "(on Debian and Ubuntu: apt-get install" $$missing")" >&2; \
	  exit 1; \
	fi; \
	export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1; \
	apt-get -qq update; \
	if apt-cache show valkey-server >/dev/null 2>&1; then missing="$$missing valkey-server"; fi; \
	echo "make: installing" $$missing; \
	trap 'rm -f $(NO_CLUSTER); rmdir $(dir $(NO_CLUSTER)) 2>/dev/null || :' EXIT; \
	mkdir -p $(dir $(NO_CLUSTER)); \
	echo "create_main_cluster = false" > $(NO_CLUSTER); \
	apt-get -qq install --no-install-recommends $$missing </dev/null >/dev/null

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.dev
	$(BIN)/mypy

# The wheel is tested among them: it is built, installed into an environment of its own, and run.
unit: system $(VENV)/.dev
	$(BIN)/pytest -m "not long" -n $(JOBS) --cov --cov-report=term:skip-covered --cov-fail-under=95

# Each long test runs by itself and is noted when it has passed, for this state of the sources.
long: system $(VENV)/.dev
	$(BIN)/python -m tests.project.long

bench: $(VENV)/.dev
	$(BIN)/python -m benchmarks

docs: $(VENV)/.installed
	$(BIN)/python -m policyjwt.reports.code_pages docs/codes

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage .coverage.*

# ---------------------------------------------------------------- the environment

$(VENV)/.installed: pyproject.toml | $(BIN)/pip
	$(BIN)/pip install -qq --editable '.[jwe]'
	@touch $@

# `--group` needs pip 25.1.
$(VENV)/.dev: pyproject.toml $(VENV)/.installed
	$(BIN)/pip install -qq --upgrade "pip>=25.1"
	$(BIN)/pip install -qq --group dev
	@touch $@

$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "make: policyjwt needs Python 3.11 or later: make PYTHON=python3.12 …" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	  { echo "make: $(PYTHON) has no venv module; on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
