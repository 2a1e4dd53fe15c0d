# make demo and make test need git, make and a Python 3; everything else is put into .venv.
# A uv that is on the path is used if it runs; otherwise one is installed into .uv.

UV := $(shell uv --version >/dev/null 2>&1 && echo uv || echo .uv/bin/uv)
BIN := .venv/bin

.PHONY: demo test test-slow notebooks docs check bench calibration posteriors kills soak lowest lock clean

demo: .venv/ready
	$(BIN)/hierkit demo

test: .venv/ready
	$(BIN)/python -m pytest -n 2 --dist loadgroup -m "not slow"

test-slow: .venv/ready
	$(BIN)/python -m pytest -n 2 --dist loadgroup -m slow --ignore tests/test_notebooks.py

notebooks: .venv/ready
	$(BIN)/python -m pytest -n 2 tests/test_notebooks.py

docs: .venv/ready
	rm -rf docs/_build
	$(BIN)/sphinx-build --fail-on-warning --keep-going --quiet docs docs/_build/html

check: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: .venv/ready
	for script in $(filter-out benchmarks/documented_models.py benchmarks/measuring.py,$(wildcard benchmarks/*.py)); do $(BIN)/python $$script || exit 1; done

# the figures of docs/reliability.md: minutes to an hour each
calibration posteriors kills soak: export PYTHONPATH = tests

calibration: .venv/ready
	$(BIN)/python tests/reliability/calibration_grid.py

posteriors: .venv/ready
	$(BIN)/python tests/reference/hierarchical_posteriors.py

kills: .venv/ready
	$(BIN)/python tests/reliability/kills.py 200

soak: .venv/ready
	$(BIN)/python tests/reliability/soak.py 300

# the oldest versions of everything that pyproject.toml allows
lowest: $(UV)
	$(UV) venv --quiet --clear --python 3.12 .venv-lowest
	$(UV) pip install --quiet --python .venv-lowest/bin/python --resolution lowest-direct --group test .
	.venv-lowest/bin/python -m pytest -n 2 --dist loadgroup -m "not slow" -W "default:::pyparsing"

lock: $(UV)
	$(UV) pip compile --quiet --universal --python-version 3.12 --generate-hashes --group dev --group docs --group test \
		--no-header --output-file requirements.txt pyproject.toml

clean:
	rm -rf .venv .venv-lowest .uv demo docs/_build docs/lessons .mypy_cache .pytest_cache .ruff_cache

.venv/ready: requirements.txt pyproject.toml | $(UV)
	$(UV) venv --quiet --clear --python "$$(cat .python-version)" .venv
	$(UV) pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r requirements.txt
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	touch $@

.uv/bin/uv:
	python3 -m venv .uv
	.uv/bin/python -m pip install --quiet uv

.PHONY: uv
uv:
