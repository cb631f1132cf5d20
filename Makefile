# Everything needs nothing but Python 3.11+ and the package index: `make demo`, `make test`.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
export OMP_WAIT_POLICY = passive

.PHONY: demo test check setup bench clean
.DELETE_ON_ERROR:

setup: $(VENV)/installed

$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "qbslt needs Python 3.11 or newer; set PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@

demo: setup  ## the main job on the toy corpora that ship with the package
	$(BIN)/qa-builder toy toy-corpus
	$(BIN)/qa-builder build phoenix --root toy-corpus/phoenix \
	  --questions annotated:toy-corpus/phoenix/annotated-questions
	$(BIN)/qa-builder build csl-daily --root toy-corpus/csl-daily \
	  --questions annotated:toy-corpus/csl-daily/annotated-questions
	$(BIN)/qa-builder verify data/toy-phoenix-qa
	$(BIN)/qa-builder stats data/toy-phoenix-qa --html data/toy-phoenix-qa.html
	$(BIN)/qbslt-bench run --model copy-question --data data/toy-phoenix-qa
	$(BIN)/qa-builder features data/toy-phoenix-qa --extractor simulated --out toy-corpus/features
	$(BIN)/qbslt-bench run --model ssl-ssaw --data data/toy-phoenix-qa preset=tiny features=toy-corpus/features

test: setup
	$(BIN)/python -m pytest -n 2

check: setup  ## ruff, mypy, and the architecture
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest tests/test_architecture.py

bench: setup  ## the budgets, as ratios in one run; on a GPU: docs/reproduce.md, "Speed"
	$(BIN)/python -m benchmarks.speed

clean:
	rm -rf $(VENV) build dist *.egg-info toy-corpus
