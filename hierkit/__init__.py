"""hierkit: from a formula and a table to a posterior that can be trusted.

The public names are loaded when first used, so that `import hierkit` is immediate.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from hierkit.errors import HierkitError, HierkitWarning, SamplingWarning

if TYPE_CHECKING:
    from hierkit import datasets
    from hierkit.fitted import Fit
    from hierkit.fitting import compare, fit, load
    from hierkit.model.within_between import center_within

__version__ = "0.1.0"
__all__ = [
    "Fit",
    "HierkitError",
    "HierkitWarning",
    "SamplingWarning",
    "center_within",
    "compare",
    "datasets",
    "fit",
    "load",
]


def __getattr__(name: str) -> Any:
    if name == "datasets":
        return import_module("hierkit.datasets")
    if name == "Fit":
        return getattr(import_module("hierkit.fitted"), name)
    if name in ("compare", "fit", "load"):
        return getattr(import_module("hierkit.fitting"), name)
    if name == "center_within":
        return getattr(import_module("hierkit.model.within_between"), name)
    raise AttributeError(f"module 'hierkit' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
