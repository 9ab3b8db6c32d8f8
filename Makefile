# Two commands do everything on a fresh Debian machine with Python 3.11+: `make demo`, `make test`.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# A process for each room: torch, OpenVINO, ONNX Runtime, FAISS and FFmpeg never share one in production
# all at once, and bring thread pools of their own.
ROOMS := config streams detector reid matcher query training crosscam benchmarks

.PHONY: demo test test-fast check lint types imports bench setup setup-run clean help

help:
	@echo "make demo   draw a site, run it, score it, write a report (sets everything up)"
	@echo "make test   all tests (sets everything up)"
	@echo "make check  ruff, mypy, import contracts, tests"
	@echo "make bench  the benchmarks behind the README's figures"
	@echo "make setup  only install; make clean  remove what was made"

demo: $(VENV)/.run
	$(BIN)/crosscam demo

test: $(VENV)/.dev
	@rm -f .coverage
	@for room in $(ROOMS); do \
	  echo "== $$room"; \
	  $(BIN)/python -X faulthandler -m pytest tests/$$room $$room -q --cov --cov-append --cov-report= || exit 1; \
	done
	@$(BIN)/coverage report --skip-covered

test-fast: $(VENV)/.dev
	@for room in $(ROOMS); do \
	  $(BIN)/python -m pytest tests/$$room $$room -q -m "not slow and not rtsp" || exit 1; \
	done

check: lint types imports test

lint: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(VENV)/.dev
	$(BIN)/mypy

imports: $(VENV)/.dev
	$(BIN)/lint-imports

bench: $(VENV)/.dev
	$(BIN)/python -m benchmarks.run_all

setup: $(VENV)/.dev

setup-run: $(VENV)/.run

# What `make demo` needs.
$(VENV)/.run: pyproject.toml docker/install.sh
	PYTHON="$(PYTHON)" sh docker/install.sh "$(VENV)" "openvino,score"
	@touch $@

# What tests and checks need: every optional backend, the linters, a real RTSP server.
$(VENV)/.dev: pyproject.toml docker/install.sh docker/apt-test.txt
	PYTHON="$(PYTHON)" sh docker/install.sh "$(VENV)" "openvino,onnx,yolo,score,train,dev"
	sh docker/install-test-system.sh
	@touch $@ $(VENV)/.run

clean:
	rm -rf $(VENV) crosscam-demo crosscam-data dist htmlcov .coverage .mypy_cache .ruff_cache \
	  .pytest_cache .hypothesis .import_linter_cache
