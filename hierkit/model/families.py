"""What differs between the families of outcomes, said once.

A row has the linear predictor eta; the mean of its outcome is g^-1(eta). Arrays broadcast against each other.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from scipy.special import gammaln

from hierkit.arrays import Array
from hierkit.errors import refusal
from hierkit.model.logistic_normal import logistic, logit_of_mean, mean_over_mixture, moments_of_probability

FamilyName = Literal["gaussian", "bernoulli"]
# weights that sum to one and variances, of what group effects add to a linear predictor: a mixture of N(0, variance)
Mixture = Sequence[tuple[float, Array]]
LOGISTIC_VARIANCE = np.pi**2 / 3


@dataclass(frozen=True, eq=False)
class Family:
    """A family of outcomes with its link.

    Attributes
    ----------
    name : {"gaussian", "bernoulli"}
        As passed to `fit`; counts are Bernoulli trials.
    has_residual : bool
        Whether rows have a residual sd. Where they have, the link is the identity.
    link_unit, response_unit : str
        The units of the linear predictor and of means, with `{outcome}` for the outcome's label.
    ratio : str or None
        What exp of a coefficient is called, "odds_ratio"; None for the identity link.
    latent_in_words : str
        The variance of a row on the link scale, in definitions.
    mean : callable
        eta -> g^-1(eta).
    mean_over_groups, link_over_groups : callable
        eta, mixture -> the mean E g^-1(eta + v) over v of the mixture, and the same on the link scale.
    log_density : callable
        y, weights, eta, sigma -> log p(y | eta) of each row. Weights are the trials of counts, and of a Gaussian row
        the w of its residual variance σ²/w; 1 for others.
    weight : callable
        weights, eta, sigma -> minus the second derivative of the log density by eta.
    derivatives : callable
        y, weights, eta, sigma -> the same, and the score, the first derivative.
    latent_variance : callable
        sigma -> the variance of a row on the link scale: σ², or that of the logistic distribution, π²/3.
    variance_between : callable or None
        eta, own, rest -> Var_v E_w g^-1(eta + v + w), and the variance of an outcome, for v of the mixture `own` and w
        of the mixture `rest`; arrays (sample,). None where the share of the one in the other is that on the link scale.
    draw : callable
        eta, weights, sigma, generator -> outcomes.
    """

    name: FamilyName
    has_residual: bool
    link_unit: str
    response_unit: str
    ratio: str | None
    latent_in_words: str
    mean: Callable[[Array], Array]
    mean_over_groups: Callable[[Array, Mixture], Array]
    link_over_groups: Callable[[Array, Mixture], Array]
    log_density: Callable[[Array, Array, Array, Array | None], Array]
    weight: Callable[[Array, Array, Array | None], Array]
    derivatives: Callable[[Array, Array, Array, Array | None], tuple[Array, Array]]
    latent_variance: Callable[[Array | None], Array]
    variance_between: Callable[[Array, Mixture, Mixture], tuple[Array, Array]] | None
    draw: Callable[[Array, Array, Array | None, np.random.Generator], Array]

    @property
    def is_linear(self) -> bool:
        """Whether means are on the link scale, so that coefficients are the same within groups and across them."""
        return self.ratio is None


def family_of(name: str, counts: bool) -> Family:
    """The family of that name.

    Parameters
    ----------
    name : str
        As passed to `fit`.
    counts : bool
        Whether the outcome is `p(successes, trials)`.

    Raises
    ------
    HierkitError
        For an unknown name, and for counts of another family than "bernoulli".
    """
    if name not in FAMILIES:
        raise refusal(
            f"family is {name!r}",
            f"It is one of {', '.join(map(repr, get_args(FamilyName)))}",
            'For counts write p(successes, trials) ~ ... with family="bernoulli"',
        )
    if counts and name != "bernoulli":
        raise refusal(
            f"The outcome is p(successes, trials) and the family is {name!r}",
            'Counts need family="bernoulli"',
            "Pass it",
        )
    return FAMILIES[name]


def _same(eta: Array) -> Array:
    return eta


def _same_whatever_the_groups(eta: Array, groups: Mixture) -> Array:
    return eta


def _normal_log_density(y: Array, weights: Array, eta: Array, sigma: Array | None) -> Array:
    sd = _required(sigma)
    constant = 0.5 * np.log(weights / (2 * np.pi))
    return np.asarray(constant - 0.5 * weights * ((y - eta) / sd) ** 2 - np.log(sd))


def _normal_weight(weights: Array, eta: Array, sigma: Array | None) -> Array:
    return np.broadcast_to(weights / _required(sigma) ** 2, eta.shape)


def _normal_derivatives(y: Array, weights: Array, eta: Array, sigma: Array | None) -> tuple[Array, Array]:
    weight = _normal_weight(weights, eta, sigma)
    return weight, np.asarray(weight * (y - eta))


def _normal_variance(sigma: Array | None) -> Array:
    return np.asarray(_required(sigma) ** 2)


def _normal_draw(eta: Array, weights: Array, sigma: Array | None, rng: np.random.Generator) -> Array:
    return np.asarray(eta + _required(sigma) / np.sqrt(weights) * rng.standard_normal(eta.shape))


def _required(sigma: Array | None) -> Array:
    if sigma is None:
        raise ValueError("A Gaussian outcome has a residual sd.")
    return sigma


def _binomial_log_density(y: Array, trials: Array, eta: Array, sigma: Array | None) -> Array:
    orders = gammaln(trials + 1) - gammaln(y + 1) - gammaln(trials - y + 1)
    return np.asarray(y * eta - trials * _softplus(eta) + orders)


def _softplus(eta: Array) -> Array:
    """Log(1 + exp(eta)) to 1e-16, several times as fast as numpy's logaddexp."""
    small = np.abs(eta)
    np.negative(small, out=small)
    np.exp(small, out=small)
    small += 1
    np.log(small, out=small)
    return np.maximum(eta, 0) + small


def _binomial_weight(trials: Array, eta: Array, sigma: Array | None) -> Array:
    p = logistic(eta)
    return np.asarray(trials * (p * (1 - p)))


def _binomial_derivatives(y: Array, trials: Array, eta: Array, sigma: Array | None) -> tuple[Array, Array]:
    p = logistic(eta)
    expected = trials * p
    np.subtract(1, p, out=p)
    p *= expected
    return p, np.subtract(y, expected, out=expected)


def _logistic_variance(sigma: Array | None) -> Array:
    return np.asarray(LOGISTIC_VARIANCE)


def _variance_of_events(eta: Array, own: Mixture, rest: Mixture) -> tuple[Array, Array]:
    """Var(p) and p (1 - p), with p averaged over all groups."""
    weights = [weight for weight, _ in own]
    moments = [moments_of_probability(eta, variance, rest) for _, variance in own]
    mean = np.asarray(sum(weight * one for weight, (one, _) in zip(weights, moments, strict=True)))
    around = [variance + (one - mean) ** 2 for one, variance in moments]
    between = np.asarray(sum(weight * one for weight, one in zip(weights, around, strict=True)))
    return between, mean * (1 - mean)


def _binomial_draw(eta: Array, trials: Array, sigma: Array | None, rng: np.random.Generator) -> Array:
    p = logistic(eta)
    if np.all(trials == 1):
        return np.asarray(rng.uniform(size=eta.shape) < p, dtype=np.float64)
    return np.asarray(rng.binomial(np.asarray(trials, dtype=np.int64), p), dtype=np.float64)


FAMILIES = {
    "gaussian": Family(
        name="gaussian",
        has_residual=True,
        link_unit="units of {outcome}",
        response_unit="units of {outcome}",
        ratio=None,
        latent_in_words="σ²",
        mean=_same,
        mean_over_groups=_same_whatever_the_groups,
        link_over_groups=_same_whatever_the_groups,
        log_density=_normal_log_density,
        weight=_normal_weight,
        derivatives=_normal_derivatives,
        latent_variance=_normal_variance,
        variance_between=None,
        draw=_normal_draw,
    ),
    "bernoulli": Family(
        name="bernoulli",
        has_residual=False,
        link_unit="log odds",
        response_unit="probability",
        ratio="odds_ratio",
        latent_in_words="π²/3, the logistic distribution's",
        mean=logistic,
        mean_over_groups=mean_over_mixture,
        link_over_groups=logit_of_mean,
        log_density=_binomial_log_density,
        weight=_binomial_weight,
        derivatives=_binomial_derivatives,
        latent_variance=_logistic_variance,
        variance_between=_variance_of_events,
        draw=_binomial_draw,
    ),
}
