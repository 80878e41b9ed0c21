# `make` sets everything up from nothing and runs the demo; `make test` sets up and runs the tests.
# Everything hangs on one stamp, written by tools/bootstrap.py when the environment is whole.

PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.stamp
# One process for each processor, eight at most (each holds some 300 MB); a file's tests stay together
# and in order. ARGS=-n0 is one process.
PARALLEL := -n auto --maxprocesses 8 --dist loadfile --no-loadscope-reorder
UV = $(or $(shell which uv 2>/dev/null),.tools/bin/uv)

# The stamp holds the place where the environment was made. In a checkout that was moved or copied
# it is stale however new it is.
ifneq "$(shell cat $(STAMP) 2>/dev/null)" "$(CURDIR)"
.PHONY: $(STAMP)
endif

.PHONY: demo test slow check docs pythons next-python conformance array-api torch golden fuzz fuzz-proofs mutants numpy-range lock clean help

demo: $(STAMP) ## set up and run the demo: train, draw, prove, report (the default)
	$(BIN)/gradproof demo $(ARGS)

test: $(STAMP) ## set up and run the tests, on all processors
	$(BIN)/python -m pytest $(PARALLEL) $(ARGS)

slow: $(STAMP) ## run the longer checks that `make test` leaves out
	$(BIN)/python -m pytest -m slow $(ARGS)

check: $(STAMP) ## check style, types and who imports whom
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

docs: $(STAMP) ## renew what folders export and the tables in READMEs, after a file was added
	$(BIN)/python tools/docs.py $(ARGS)

pythons: $(STAMP) ## run the tests on every supported Python that is found here
	$(BIN)/python tools/pythons.py $(PARALLEL) $(ARGS)

next-python: $(STAMP) ## run the tests of what depends on Python itself on 3.13, where it is found
	$(BIN)/python tools/pythons.py --only 3.13 --essentials $(PARALLEL) $(ARGS)

conformance: $(STAMP) ## fetch HIPS/autograd's own tests and run them against this engine
	$(BIN)/python tools/conformance.py $(ARGS)

array-api: $(STAMP) ## run the array API's official suite, a folder given as SUITE=, against this engine
	$(BIN)/python tools/array_api_suite.py "$(SUITE)" $(ARGS)

torch: $(STAMP) ## fetch PyTorch, whose operator samples `make slow` then tries on this engine
	$(BIN)/python tools/torch_environment.py

golden: $(STAMP) ## fetch PyTorch, and renew its values and gradients, to which layers and losses are held
	$(BIN)/python tools/golden.py $(ARGS)

fuzz: $(STAMP) ## run 10,000 random expressions, beside other engines where they are installed; compile some
	GRADPROOF_FUZZ=$(or $(PROGRAMS),10000) GRADPROOF_SEED=$(or $(SEED),1000) \
		$(BIN)/python -m pytest -m slow -q -s tests/robustness/test_expressions.py \
		tests/robustness/test_compiled_expressions.py $(ARGS)

fuzz-proofs: $(STAMP) ## prove 20,000 random statements, on all processors: none of the verdicts is false
	GRADPROOF_FUZZ=$(or $(PROGRAMS),20000) GRADPROOF_SEED=$(or $(SEED),1000) \
		$(BIN)/python -m pytest -m slow -q -n auto --maxprocesses 8 --dist load -k "many_programs" \
		tests/robustness/test_proofs.py $(ARGS)

mutants: $(STAMP) ## change every VJP rule in every small way, and what each claim runs: all is decided
	$(BIN)/python -m pytest -m "slow or not slow" -q -s tests/autograd_core/symbolic/test_mutants.py \
		tests/autograd_core/symbolic/test_hand_written.py \
		tests/contracts/test_killing_mutants.py $(ARGS)

numpy-range: $(STAMP) ## run the tests on the oldest and the newest NumPy that is supported
	$(BIN)/python tools/numpy_range.py $(ARGS)

lock: $(STAMP) ## renew the locks: the newest releases that pyproject.toml allows
	$(UV) pip compile pyproject.toml $(EXTRAS:%=--extra %) $(LOCKED) --output-file requirements.lock
	echo uv | $(UV) pip compile - --no-annotate $(LOCKED) --output-file tools/requirements.lock

clean: ## remove the environment, the caches and the builds
	rm -rf .venv .tools .conformance .environments build dist
	rm -rf .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(STAMP): pyproject.toml requirements.lock tools/requirements.lock tools/bootstrap.py
	@$(PYTHON) tools/bootstrap.py

# A lock for every platform and every Python from 3.11 on, with hashes and without any address.
EXTRAS := jit plots png data sweep mpi tensorboard proof dev
LOCKED := --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	--upgrade --quiet
