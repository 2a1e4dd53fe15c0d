"""How well a design would know what it is for: data sets with a known truth, each fitted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr

from hierkit import sampling
from hierkit.arrays import Array
from hierkit.errors import refusal
from hierkit.intervals import interval
from hierkit.model.families import FamilyName
from hierkit.model.formula import parse
from hierkit.model.priors import make_priors
from hierkit.posterior.posterior import Posterior
from hierkit.posterior.quantity import Quantity
from hierkit.prediction.predictive_check import replicated
from hierkit.quantities.shrinkage import shrinkage
from hierkit.sampling.engines import choose
from hierkit.sampling.settings import Settings, check_count, read_seed
from hierkit.simulation.many import many
from hierkit.simulation.parameters import parameters
from hierkit.simulation.truth import Plan, Predictor, check_plan, design_of, make_columns, truths_of

DRAWS = 400
CHAINS = 2
TUNE = 500
FEWEST = 10


def simulate_design(
    formula: str,
    groups: Mapping[str, int],
    rows: int | tuple[int, int],
    truth: Mapping[str, float],
    predictors: Mapping[str, Predictor] | None = None,
    between: Sequence[str] = (),
    family: FamilyName = "gaussian",
    best: int = 1,
    n: int = 200,
    random_seed: int = 0,
    progressbar: bool = True,
) -> Quantity:
    """How well a design would know a slope, an sd, shrinkage or the best groups: simulated, before there are data.

    In each of n data sets predictors, group effects and outcomes are drawn anew, and the model is fitted with its
    default priors.

    Parameters
    ----------
    formula : str
        As of `fit`.
    groups : mapping of str to int
        By grouping column, how many groups it has. The first one is the one that `rows` counts for.
    rows : int or (int, int)
        Rows of each of its groups, or between which numbers they lie. Groups of other columns alternate within them.
    truth : mapping of str to float
        By the names of priors: `Intercept` (where predictors are zero), coefficients, `sd(Intercept|team)` and
        `sd(wait|team)`, `cor(team)` (between all effects), `sigma`.
    predictors : mapping of str to str or sequence, optional
        How each predictor is made: a distribution such as "Uniform(0, 30)", or the levels of a category; "Normal(0, 1)"
        if not given.
    between : sequence of str
        Predictors that are constant within the groups of the first column.
    family : {"gaussian", "bernoulli"}
        Of the outcome.
    best : int
        How many groups are the best, by their first effect.
    n : int
        How many data sets.
    random_seed : int
        The same seed gives the same numbers.
    progressbar : bool
        Whether progress is shown.

    Returns
    -------
    Quantity
        `estimates` (chain, draw, parameter), a draw for each data set, the posterior means: their mean and sd are what
        to expect of an estimate. Beside them (parameter): `truth`; `rmse`, the root mean square of estimate less truth;
        `width`, the mean width of intervals; `coverage`, the share of intervals that hold the truth; `clear`, the share
        that exclude zero (power). `shrinkage` and `best_found` are in `attrs` and in the definition, by factor: what
        groups keep of their own estimate, and the share of the truly best groups that are among the best estimates.

    Raises
    ------
    HierkitError
        For groups, predictors or truths that the formula does not have or lacks, and for what cannot be fitted.
    """
    check_count("n", n)
    random_seed = read_seed(random_seed)
    if n < FEWEST:
        raise refusal(f"n={n}", f"At least {FEWEST} data sets are simulated", "Pass n=200")
    plan = Plan(parse(formula), family, groups, rows, predictors or {}, between, truth)
    check_plan(plan)
    if not 1 <= best < min(groups.values()):
        raise refusal(f"best={best}", f"The smallest factor has {min(groups.values())} groups", "Pass fewer than these")
    found = many(lambda _, seed: _simulate(plan, best, seed), n, random_seed, "simulate_design", progressbar)
    names = [*found[0].names]
    estimates, lower, upper = (
        np.array([getattr(one, part) for one in found]) for part in ("estimates", "lower", "upper")
    )
    true = found[0].true
    coords = {"chain": [0], "draw": np.arange(n), "parameter": names}
    by_parameter = {
        "truth": true,
        "rmse": np.sqrt(np.mean((estimates - true) ** 2, axis=0)),
        "width": (upper - lower).mean(axis=0),
        "coverage": np.mean((lower <= true) & (true <= upper), axis=0),
        "clear": np.mean((lower > 0) | (upper < 0), axis=0),
    }
    arrays = {"estimates": xr.DataArray(estimates[None], coords, ("chain", "draw", "parameter"))}
    arrays |= {name: xr.DataArray(values, {"parameter": names}, "parameter") for name, values in by_parameter.items()}
    labels = list(found[0].kept)
    kept = {label: float(np.mean([one.kept[label] for one in found])) for label in labels}
    recall = {label: float(np.mean([one.best[label] for one in found])) for label in labels}
    attrs = {"shrinkage": kept, "best_found": recall}
    return Quantity(xr.Dataset(arrays, attrs=attrs), _definition(plan, n, best, kept, recall), picture="study")


@dataclass(frozen=True, eq=False)
class _Found:
    """What one simulated data set shows."""

    names: list[str]
    true: Array
    estimates: Array
    lower: Array
    upper: Array
    kept: dict[str, float]
    best: dict[str, float]


def _simulate(plan: Plan, best: int, seed: int) -> _Found:
    rng = np.random.default_rng(seed)
    data = make_columns(plan, rng)
    design = design_of(plan, data)
    truths = truths_of(plan, design, rng)
    y = replicated(Posterior(truths, design), "known", seed)[design.outcome_name].values[0, 0]
    made = replace(design, outcome=replace(design.outcome, y=y))
    priors = make_priors(made)
    settings = Settings(DRAWS, TUNE, CHAINS, cores=1, random_seed=seed, progressbar=False)
    settings = replace(settings, target_accept=sampling.default_target_accept(made))
    draws = sampling.sample(made, priors, "normal", choose("auto", made, priors), settings)
    posterior = Posterior(draws["posterior"].to_dataset(), made)
    values, true = parameters(posterior), parameters(Posterior(truths, design))
    found = interval(values)
    kept, recalled = {}, {}
    for factor in made.factors:
        kept[factor.label] = float(shrinkage(posterior, factor.label).draws["overall"].mean())
        own = posterior.effects(factor).u.mean(("chain", "draw")).values[:, 0]
        real = Posterior(truths, design).effects(factor).u.values[0, 0, :, 0]
        recalled[factor.label] = len(set(np.argsort(-own)[:best]) & set(np.argsort(-real)[:best])) / best
    names = [str(name) for name in values["parameter"].values]
    return _Found(names, true.values[0, 0], found.estimate, found.lower, found.upper, kept, recalled)


def _definition(plan: Plan, n: int, best: int, kept: dict[str, float], recall: dict[str, float]) -> str:
    shares = "; ".join(
        f"groups of {label} keep {kept[label]:.0%} of their own estimates, and {recall[label]:.0%} of the best {best} "
        "are found"
        for label in kept
    )
    return (
        f"What {n} simulated data sets of {plan.formula.text} show. estimate, sd: the mean and the sd of the posterior "
        "means over data sets; rmse: how far these are from the truth; width: the mean width of intervals; coverage: "
        f"the share of intervals that hold the truth; clear: the share that exclude zero. On average {shares}."
    )
