"""Libraries that are imported when they are used."""

import subprocess
import sys

from hierkit.lazily import when_used

CODE = """
import sys
from hierkit.lazily import when_used
with when_used("wave"):
    import wave
assert "wave" not in sys.modules
first = wave
import wave
assert first is not wave and first.Error is wave.Error  # the stand-in has what the library has
with when_used("wave"):
    import wave as again
assert again is wave  # loaded already
import hierkit
hierkit.fit("csat ~ wait + (1 | team)", hierkit.datasets.csat(), random_seed=1, progressbar=False)
# where Dask is installed xarray imports it, and that jinja2
heavy = {"arviz", "matplotlib", "bambi", "pymc", "statsmodels"} | ({"jinja2"} if "dask" not in sys.modules else set())
print(sorted(heavy & set(sys.modules)))
"""


def test_a_fit_loads_what_it_needs() -> None:
    found = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_a_stand_in_steps_back_when_asked_before_it_is_replaced() -> None:
    with when_used("wave"):
        assert isinstance(sys.modules["wave"].__getattr__("Error"), type)
        assert sys.modules["wave"].__name__ == "wave"
    assert hasattr(sys.modules["wave"], "open")
