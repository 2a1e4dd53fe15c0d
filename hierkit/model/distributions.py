"""The distributions that a prior may be: their parameters, and how text becomes one without being evaluated."""

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from hierkit.errors import HierkitError, refusal

REAL = {
    "Normal": ("mu", "sigma"),
    "StudentT": ("nu", "mu", "sigma"),
    "Cauchy": ("alpha", "beta"),
    "Laplace": ("mu", "b"),
    "Logistic": ("mu", "s"),
    "Gumbel": ("mu", "beta"),
    "SkewNormal": ("mu", "sigma", "alpha"),
    "Flat": (),
}
POSITIVE = {
    "HalfNormal": ("sigma",),
    "HalfStudentT": ("nu", "sigma"),
    "HalfCauchy": ("beta",),
    "Exponential": ("lam",),
    "Gamma": ("alpha", "beta"),
    "InverseGamma": ("alpha", "beta"),
    "LogNormal": ("mu", "sigma"),
    "Weibull": ("alpha", "beta"),
}
BOUNDED = {"Uniform": ("lower", "upper")}
CORRELATION = {"LKJ": ("eta",)}
PARAMETERS = REAL | POSITIVE | BOUNDED | CORRELATION
LOCATIONS = frozenset({"mu", "lower", "upper"})  # everything else must be positive
SCIPY: dict[str, Callable[..., Any]] = {
    "Normal": stats.norm,
    "StudentT": stats.t,
    "Cauchy": stats.cauchy,
    "Laplace": stats.laplace,
    "Logistic": stats.logistic,
    "Gumbel": stats.gumbel_r,
    "SkewNormal": lambda mu, sigma, alpha: stats.skewnorm(alpha, mu, sigma),
    "HalfNormal": lambda sigma: stats.halfnorm(scale=sigma),
    "HalfCauchy": lambda beta: stats.halfcauchy(scale=beta),
    "Exponential": lambda lam: stats.expon(scale=1 / lam),
    "Gamma": lambda alpha, beta: stats.gamma(alpha, scale=1 / beta),
    "InverseGamma": lambda alpha, beta: stats.invgamma(alpha, scale=beta),
    "LogNormal": lambda mu, sigma: stats.lognorm(sigma, scale=np.exp(mu)),
    "Weibull": lambda alpha, beta: stats.weibull_min(alpha, scale=beta),
    "Uniform": lambda lower, upper: stats.uniform(lower, upper - lower),
}
UNBOUNDED = LOCATIONS | {("Cauchy", "alpha"), ("SkewNormal", "alpha")}


@dataclass(frozen=True)
class Prior:
    """One distribution with its numbers.

    Attributes
    ----------
    name : str
        PyMC's name, `Normal`; `LKJ` for correlations.
    args : dict of str to float
        By PyMC's parameter names, in PyMC's order.
    """

    name: str
    args: Mapping[str, float]

    def quantiles(self, shares: NDArray[np.float64]) -> NDArray[np.float64]:
        """The values below which these shares of a positive or bounded distribution lie."""
        if self.name == "HalfStudentT":
            shares = (1 + shares) / 2
        return np.asarray(self._scipy.ppf(shares), dtype=np.float64)

    def log_density(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Log p(x); for LKJ of correlation matrices (..., effect, effect), up to a constant."""
        if self.name == "Flat":
            return np.zeros_like(x)
        if self.name == "LKJ":
            return np.asarray((self.args["eta"] - 1) * np.linalg.slogdet(x)[1], dtype=np.float64)
        half = np.log(2) if self.name == "HalfStudentT" else 0.0
        return np.asarray(self._scipy.logpdf(x) + half, dtype=np.float64)

    @property
    def _scipy(self) -> Any:
        """The same distribution in scipy; of a half Student t the whole one, which scipy has."""
        if self.name == "HalfStudentT":
            return stats.t(self.args["nu"], scale=self.args["sigma"])
        return SCIPY[self.name](*self.args.values())

    def __str__(self) -> str:
        return f"{self.name}({', '.join(f'{value:.6g}' for value in self.args.values())})"


def make_prior(name: str, *values: float) -> Prior:
    """A prior from the values of its parameters in order."""
    return Prior(name, dict(zip(PARAMETERS[name], map(float, values), strict=True)))


def read_prior(parameter: str, value: Any) -> Prior:
    """A prior from what a user passed: text like `"Normal(0, 1)"`, a `bambi.Prior` or a `Prior`.

    Parameters
    ----------
    parameter : str
        What the prior is for; named in errors.
    value : str, Prior or bambi.Prior
        Text is parsed, never evaluated: a name, and numbers in PyMC's order or by PyMC's parameter names.

    Returns
    -------
    Prior

    Raises
    ------
    HierkitError
        For an unknown distribution, wrong, missing or impossible parameters, and priors built of other priors or of
        functions.
    """
    if isinstance(value, Prior):
        return value
    if isinstance(value, str):
        name, positional, named = _parse(parameter, value)
    elif hasattr(value, "name") and hasattr(value, "args") and getattr(value, "dist", None) is None:
        name, positional, named = value.name, [], dict(value.args)
    else:
        raise _unreadable(parameter, value, "it is neither text nor a plain bambi.Prior")
    if name not in PARAMETERS:
        raise _unreadable(parameter, value, f"there is no distribution {name!r} here")
    expected = PARAMETERS[name]
    args = dict(zip(expected, positional, strict=False)) | named
    if len(positional) > len(expected) or set(expected[: len(positional)]) & set(named):
        raise _unreadable(parameter, value, f"{name} takes {', '.join(expected) or 'no numbers'}")
    return checked_prior(parameter, name, args)


def checked_prior(parameter: str, name: str, args: Mapping[str, Any]) -> Prior:
    """A prior from a distribution's name and its parameters by name, both checked.

    Raises
    ------
    HierkitError
        For a name or parameters that `read_prior` would refuse.
    """
    if name not in PARAMETERS:
        raise _unreadable(parameter, name, f"there is no distribution {name!r} here")
    shown = f"{name}({', '.join(f'{key}={value}' for key, value in args.items())})"
    if set(args) != set(PARAMETERS[name]):
        raise _unreadable(parameter, shown, f"{name} takes {', '.join(PARAMETERS[name]) or 'no numbers'}")
    numbers = {key: _number(parameter, shown, args[key]) for key in PARAMETERS[name]}
    _check_domain(parameter, shown, name, numbers)
    return Prior(name, numbers)


def _parse(parameter: str, text: str) -> tuple[str, list[Any], dict[str, Any]]:
    try:
        call = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError):
        raise _unreadable(parameter, text, "it cannot be read") from None
    if isinstance(call, ast.Name):
        return call.id, [], {}
    if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name)):
        raise _unreadable(parameter, text, "it is not a name with numbers in parentheses")
    if any(keyword.arg is None for keyword in call.keywords):
        raise _unreadable(parameter, text, "its parameters are not plain numbers")
    named = {str(keyword.arg): keyword.value for keyword in call.keywords}
    try:
        numbers = [ast.literal_eval(arg) for arg in call.args]
        return call.func.id, numbers, {key: ast.literal_eval(node) for key, node in named.items()}
    except (ValueError, TypeError, SyntaxError):
        raise _unreadable(parameter, text, "its parameters are not plain numbers") from None


def _number(parameter: str, value: Any, number: Any) -> float:
    try:
        array = np.asarray(number)
    except ValueError:
        raise _unreadable(parameter, value, "its parameters are not plain numbers") from None
    if array.size != 1 or array.dtype.kind not in "iuf" or not np.isfinite(array).all():
        raise _unreadable(parameter, value, "its parameters are not plain numbers")
    return float(array.item())


def _check_domain(parameter: str, value: Any, name: str, numbers: Mapping[str, float]) -> None:
    for key, number in numbers.items():
        if key not in UNBOUNDED and (name, key) not in UNBOUNDED and number <= 0:
            raise _unreadable(parameter, value, f"{key} must be positive")
    if name == "Uniform" and numbers["lower"] >= numbers["upper"]:
        raise _unreadable(parameter, value, "lower must be below upper")


def _unreadable(parameter: str, value: Any, reason: str) -> HierkitError:
    known = ", ".join(f"{name}({', '.join(keys)})" for name, keys in PARAMETERS.items())
    return refusal(
        f"The prior {value!r} for {parameter!r} cannot be used: {reason}",
        f"The distributions are {known}",
        'Write one as text, for example "Normal(0, 1)"',
    )
