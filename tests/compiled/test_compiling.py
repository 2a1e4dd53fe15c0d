"""Compiled code that cannot be kept."""

import os
import subprocess
import sys


def test_where_no_folder_can_be_written_it_is_said_once_and_sampled() -> None:
    """Numba's locators are limited to the folder that the user sets, and none is set."""
    code = """
import warnings
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    from hierkit.compiled.compiling import kernel
    double, triple = kernel(lambda x: 2 * x), kernel(lambda x: 3 * x)
print(double(4.0), triple(4.0), [str(one.message)[:30] for one in said])
"""
    environment = os.environ | {"NUMBA_CACHE_LOCATOR_CLASSES": "UserProvidedCacheLocator"}
    environment.pop("NUMBA_CACHE_DIR", None)
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert found.stdout.split(" ", 2) == ["8.0", "12.0", "['Compiled code cannot be kept, ']\n"]
