"""The distributions that a prior may be: their parameters, and how text becomes one without being evaluated."""

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from hierkit.errors import HierkitError, refusal
from hierkit.model.labels import shortened


@dataclass(frozen=True)
class HalfStudentT:
    """|t|, t of a Student t, which SciPy does not have; by the whole one."""

    nu: float
    sigma: float

    def ppf(self, shares: NDArray[np.float64]) -> NDArray[np.float64]:
        """The quantiles."""
        return np.asarray(stats.t(self.nu, scale=self.sigma).ppf((1 + shares) / 2), dtype=np.float64)

    def logpdf(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """The log density."""
        return np.asarray(stats.t(self.nu, scale=self.sigma).logpdf(x) + np.log(2), dtype=np.float64)


Support = Literal["real", "positive", "interval", "correlation"]


@dataclass(frozen=True)
class Distribution:
    """One distribution that a prior may be.

    Attributes
    ----------
    parameters : tuple of str
        PyMC's names of its parameters, in PyMC's order.
    support : {"real", "positive", "interval", "correlation"}
        The values that it gives: which parameters it may be a prior of.
    scipy : callable or None
        From the parameters to the same distribution in SciPy; None where SciPy has none.
    free : frozenset of str
        Parameters that may be zero or negative; all others must be positive.
    """

    parameters: tuple[str, ...]
    support: Support
    scipy: Callable[..., Any] | None
    free: frozenset[str] = frozenset()


def _location(*names: str) -> frozenset[str]:
    return frozenset(names)


DISTRIBUTIONS = {
    "Normal": Distribution(("mu", "sigma"), "real", stats.norm, _location("mu")),
    "StudentT": Distribution(("nu", "mu", "sigma"), "real", stats.t, _location("mu")),
    "Cauchy": Distribution(("alpha", "beta"), "real", stats.cauchy, _location("alpha")),
    "Laplace": Distribution(("mu", "b"), "real", stats.laplace, _location("mu")),
    "Logistic": Distribution(("mu", "s"), "real", stats.logistic, _location("mu")),
    "Gumbel": Distribution(("mu", "beta"), "real", stats.gumbel_r, _location("mu")),
    "SkewNormal": Distribution(
        ("mu", "sigma", "alpha"),
        "real",
        lambda mu, sigma, alpha: stats.skewnorm(alpha, mu, sigma),
        _location("mu", "alpha"),
    ),
    "Flat": Distribution((), "real", None),
    "HalfNormal": Distribution(("sigma",), "positive", lambda sigma: stats.halfnorm(scale=sigma)),
    "HalfStudentT": Distribution(("nu", "sigma"), "positive", HalfStudentT),
    "HalfCauchy": Distribution(("beta",), "positive", lambda beta: stats.halfcauchy(scale=beta)),
    "Exponential": Distribution(("lam",), "positive", lambda lam: stats.expon(scale=1 / lam)),
    "Gamma": Distribution(("alpha", "beta"), "positive", lambda alpha, beta: stats.gamma(alpha, scale=1 / beta)),
    "InverseGamma": Distribution(("alpha", "beta"), "positive", lambda alpha, beta: stats.invgamma(alpha, scale=beta)),
    "LogNormal": Distribution(
        ("mu", "sigma"),
        "positive",
        lambda mu, sigma: stats.lognorm(sigma, scale=np.exp(mu)),
        _location("mu"),
    ),
    "Weibull": Distribution(("alpha", "beta"), "positive", lambda alpha, beta: stats.weibull_min(alpha, scale=beta)),
    "Uniform": Distribution(
        ("lower", "upper"),
        "interval",
        lambda lower, upper: stats.uniform(lower, upper - lower),
        _location("lower", "upper"),
    ),
    "LKJ": Distribution(("eta",), "correlation", None),
}
LONGEST = 1000  # letters of a prior
POSITIVE = tuple(name for name, one in DISTRIBUTIONS.items() if one.support == "positive")


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

    @property
    def support(self) -> Support:
        """The values that it gives."""
        return DISTRIBUTIONS[self.name].support

    @property
    def is_positive(self) -> bool:
        """Whether it gives no negative values."""
        return self.support == "positive" or (self.support == "interval" and self.args["lower"] >= 0)

    def quantiles(self, shares: NDArray[np.float64]) -> NDArray[np.float64]:
        """The values below which these shares of a positive or bounded distribution lie."""
        return np.asarray(self._scipy.ppf(shares), dtype=np.float64)

    def draw(self, size: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """(size,), independent draws."""
        return np.asarray(self._scipy.ppf(rng.uniform(size=size)), dtype=np.float64)

    def log_density(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Log p(x); for LKJ of correlation matrices (..., effect, effect), up to a constant."""
        if self.name == "Flat":
            return np.zeros_like(x)
        if self.name == "LKJ":
            return np.asarray((self.args["eta"] - 1) * np.linalg.slogdet(x)[1], dtype=np.float64)
        return np.asarray(self._scipy.logpdf(x), dtype=np.float64)

    @property
    def _scipy(self) -> Any:
        made = DISTRIBUTIONS[self.name].scipy
        if made is None:
            raise TypeError(f"SciPy has no {self.name} distribution.")
        return made(*self.args.values())

    def __str__(self) -> str:
        return f"{self.name}({', '.join(f'{value:.6g}' for value in self.args.values())})"


def make_prior(name: str, *values: float) -> Prior:
    """A prior from the values of its parameters in order."""
    return Prior(name, dict(zip(DISTRIBUTIONS[name].parameters, map(float, values), strict=True)))


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
        name = value.name
        positional = []
        named = dict(value.args)
    else:
        raise _unreadable(parameter, value, "it is neither text nor a plain bambi.Prior")
    if name not in DISTRIBUTIONS:
        raise _unreadable(parameter, value, f"there is no distribution {name!r} here")
    expected = DISTRIBUTIONS[name].parameters
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
    if name not in DISTRIBUTIONS:
        raise _unreadable(parameter, name, f"there is no distribution {name!r} here")
    shown = f"{name}({', '.join(f'{key}={value}' for key, value in args.items())})"
    expected = DISTRIBUTIONS[name].parameters
    if set(args) != set(expected):
        raise _unreadable(parameter, shown, f"{name} takes {', '.join(expected) or 'no numbers'}")
    numbers = {key: _number(parameter, shown, args[key]) for key in expected}
    _check_domain(parameter, shown, name, numbers)
    return Prior(name, numbers)


def _parse(parameter: str, text: str) -> tuple[str, list[Any], dict[str, Any]]:
    if len(text) > LONGEST:
        raise _unreadable(parameter, shortened(text), f"it has more than {LONGEST} letters")
    try:
        call = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
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
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
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
        if key not in DISTRIBUTIONS[name].free and number <= 0:
            raise _unreadable(parameter, value, f"{key} must be positive")
    if name == "Uniform" and numbers["lower"] >= numbers["upper"]:
        raise _unreadable(parameter, value, "lower must be below upper")


def _unreadable(parameter: str, value: Any, reason: str) -> HierkitError:
    known = ", ".join(f"{name}({', '.join(one.parameters)})" for name, one in DISTRIBUTIONS.items())
    return refusal(
        f"The prior {value!r} for {parameter!r} cannot be used: {reason}",
        f"The distributions are {known}",
        'Write one as text, for example "Normal(0, 1)"',
    )
