"""hierkit: from a formula and a table to a posterior that can be trusted.

The public names are loaded when first used, so that `import hierkit` is immediate.
"""

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

from hierkit.errors import HierkitError, HierkitWarning, SamplingWarning

if TYPE_CHECKING:
    from hierkit import datasets
    from hierkit.checks.findings import Findings
    from hierkit.fits import Fits, fit_many
    from hierkit.fitted import Fit
    from hierkit.fitting import compare, compare_table, fit, load, report
    from hierkit.model.priors import Priors
    from hierkit.model.within_between import center_within
    from hierkit.posterior.quantity import Quantity
    from hierkit.reporting.model_table import ModelTable
    from hierkit.reporting.render import Report
    from hierkit.simulation.study import simulate_design
    from hierkit.validation.validation import Validation

if sys.flags.optimize > 1:
    raise ImportError(
        "Python was started with -OO, or PYTHONOPTIMIZE=2. ArviZ, which hierkit needs, cannot work without docstrings. "
        "Start Python with -O or without."
    )

__version__ = "0.1.0"
__all__ = [
    "Findings",
    "Fit",
    "Fits",
    "HierkitError",
    "HierkitWarning",
    "ModelTable",
    "Priors",
    "Quantity",
    "Report",
    "SamplingWarning",
    "Validation",
    "center_within",
    "compare",
    "compare_table",
    "datasets",
    "fit",
    "fit_many",
    "load",
    "report",
    "simulate_design",
]
MODULES = {
    "Findings": "checks.findings",
    "Fit": "fitted",
    "Fits": "fits",
    "ModelTable": "reporting.model_table",
    "Priors": "model.priors",
    "Quantity": "posterior.quantity",
    "Report": "reporting.render",
    "Validation": "validation.validation",
    "center_within": "model.within_between",
    "compare": "fitting",
    "compare_table": "fitting",
    "fit": "fitting",
    "fit_many": "fits",
    "load": "fitting",
    "report": "fitting",
    "simulate_design": "simulation.study",
}


def __getattr__(name: str) -> Any:
    if name == "datasets":
        return import_module("hierkit.datasets")
    if name in MODULES:
        return getattr(import_module(f"hierkit.{MODULES[name]}"), name)
    raise AttributeError(f"module 'hierkit' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
