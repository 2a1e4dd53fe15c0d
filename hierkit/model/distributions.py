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
QUANTILES: dict[str, Callable[..., Any]] = {
    "HalfNormal": lambda share, sigma: stats.halfnorm.ppf(share, scale=sigma),
    "HalfStudentT": lambda share, nu, sigma: stats.t.ppf((1 + share) / 2, nu, scale=sigma),
    "HalfCauchy": lambda share, beta: stats.halfcauchy.ppf(share, scale=beta),
    "Exponential": lambda share, lam: stats.expon.ppf(share, scale=1 / lam),
    "Gamma": lambda share, alpha, beta: stats.gamma.ppf(share, alpha, scale=1 / beta),
    "InverseGamma": lambda share, alpha, beta: stats.invgamma.ppf(share, alpha, scale=beta),
    "LogNormal": lambda share, mu, sigma: stats.lognorm.ppf(share, sigma, scale=np.exp(mu)),
    "Weibull": lambda share, alpha, beta: stats.weibull_min.ppf(share, alpha, scale=beta),
    "Uniform": lambda share, lower, upper: stats.uniform.ppf(share, lower, upper - lower),
}
LOG_DENSITIES: dict[str, Callable[..., Any]] = {
    "Normal": lambda x, mu, sigma: stats.norm.logpdf(x, mu, sigma),
    "StudentT": lambda x, nu, mu, sigma: stats.t.logpdf(x, nu, mu, sigma),
    "Cauchy": lambda x, alpha, beta: stats.cauchy.logpdf(x, alpha, beta),
    "Laplace": lambda x, mu, b: stats.laplace.logpdf(x, mu, b),
    "Logistic": lambda x, mu, s: stats.logistic.logpdf(x, mu, s),
    "Gumbel": lambda x, mu, beta: stats.gumbel_r.logpdf(x, mu, beta),
    "SkewNormal": lambda x, mu, sigma, alpha: stats.skewnorm.logpdf(x, alpha, mu, sigma),
    "Flat": lambda x: np.zeros_like(x),
    "HalfNormal": lambda x, sigma: stats.halfnorm.logpdf(x, scale=sigma),
    "HalfStudentT": lambda x, nu, sigma: np.log(2) + stats.t.logpdf(x, nu, scale=sigma),
    "HalfCauchy": lambda x, beta: stats.halfcauchy.logpdf(x, scale=beta),
    "Exponential": lambda x, lam: stats.expon.logpdf(x, scale=1 / lam),
    "Gamma": lambda x, alpha, beta: stats.gamma.logpdf(x, alpha, scale=1 / beta),
    "InverseGamma": lambda x, alpha, beta: stats.invgamma.logpdf(x, alpha, scale=beta),
    "LogNormal": lambda x, mu, sigma: stats.lognorm.logpdf(x, sigma, scale=np.exp(mu)),
    "Weibull": lambda x, alpha, beta: stats.weibull_min.logpdf(x, alpha, scale=beta),
    "Uniform": lambda x, lower, upper: stats.uniform.logpdf(x, lower, upper - lower),
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
        return np.asarray(QUANTILES[self.name](shares, *self.args.values()), dtype=np.float64)

    def log_density(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Log p(x); for LKJ of correlation matrices (..., effect, effect), up to a constant."""
        if self.name == "LKJ":
            return np.asarray((self.args["eta"] - 1) * np.linalg.slogdet(x)[1], dtype=np.float64)
        return np.asarray(LOG_DENSITIES[self.name](x, *self.args.values()), dtype=np.float64)

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
