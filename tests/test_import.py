"""`import hierkit` is immediate: nothing heavy is loaded before it is used."""

import subprocess
import sys

import pytest

import hierkit

HEAVY = ("bambi", "pymc", "arviz", "arviz_stats", "numba", "matplotlib", "nutpie", "pandas", "xarray", "scipy")


def test_import_loads_nothing_heavy() -> None:
    code = f"import sys, hierkit; print([name for name in {HEAVY} if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_python_without_docstrings_is_refused_before_anything_is_sampled() -> None:
    result = subprocess.run([sys.executable, "-OO", "-c", "import hierkit"], capture_output=True, text=True)
    assert result.returncode == 1
    assert "Start Python with -O or without" in result.stderr


def test_public_names_are_there() -> None:
    assert all(hasattr(hierkit, name) for name in hierkit.__all__)
    assert set(hierkit.__all__) < set(dir(hierkit))


def test_unknown_name() -> None:
    with pytest.raises(AttributeError, match="'hierkit' has no attribute 'fitt'"):
        _ = hierkit.fitt
