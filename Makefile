# Two commands set everything up: `make demo` and `make test`. Both may be run again at any time.
#
#   make demo                    train the default, evaluate it, draw samples
#   make test                    lint and tests;  make test TESTS=tests/test_sweep.py
#   make lint | format | clean
#   PYTHON=python3.13            the interpreter of the environment (3.11 to 3.13)
#   VENV=.venv-3.13              where the environment lies

PYTHON ?= python3
VENV ?= .venv
TESTS ?= tests
PYTEST_ARGS ?= -n auto
BIN := $(VENV)/bin

# The environment is installed again only when its requirements or its interpreter change.
FINGERPRINT := import hashlib, sys; files = [open(name, "rb").read() for name in ("pyproject.toml", "constraints.txt")]; print(*sys.version_info[:2], hashlib.sha256(b"".join(files)).hexdigest()[:12], sep="-")
KEY := $(shell $(PYTHON) -c '$(FINGERPRINT)')
ifeq ($(KEY),)
$(error $(PYTHON) does not run here: name a Python 3.11 to 3.13 with PYTHON=...)
endif
RUN_STAMP := $(VENV)/.installed-$(KEY)
TEST_STAMP := $(VENV)/.installed-test-$(KEY)

.PHONY: demo test lint format clean
.DELETE_ON_ERROR:

demo: $(RUN_STAMP)
	$(BIN)/python train.py run_dir=runs/demo
	$(BIN)/python evaluate.py run=runs/demo
	$(BIN)/python sample.py run=runs/demo num=64 seed=0
	@echo
	@echo "The run is in runs/demo. Look at"
	@echo "  runs/demo/report.html    curves, sample grids over time, metrics with their protocol"
	@echo "  runs/demo/samples/       the grids as pictures, and growth.gif"
	@echo "  runs/demo/metrics.csv    every logged value"

test: lint
	OMP_NUM_THREADS=1 WANDB_MODE=offline $(BIN)/python -m pytest $(PYTEST_ARGS) $(TESTS)

lint: $(TEST_STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(TEST_STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) build dist *.egg-info .ruff_cache .pytest_cache
	find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +

# $(call install,EXTRAS): (re)make the environment when its Python differs, then install.
define install
	@$(PYTHON) -c "import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v < (3, 14) else 'gan_lab needs Python 3.11 to 3.13, this is %d.%d: use make PYTHON=python3.13' % v)"
	@test -x $(BIN)/python && test "$$($(BIN)/python -c '$(FINGERPRINT)')" = "$(KEY)" \
		|| $(PYTHON) -m venv --clear $(VENV)
	@echo "Installing into $(VENV) (about 3 minutes the first time) ..."
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e "$(1)"
	@rm -f $(VENV)/.installed-*
endef

# The test environment holds all that the demo needs, so it serves both.
$(RUN_STAMP):
	$(call install,.)
	@touch $@

$(TEST_STAMP):
	$(call install,.[test])
	@touch $@ $(RUN_STAMP)
