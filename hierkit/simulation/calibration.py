"""Simulation-based calibration of a model: truths from its priors have uniform ranks among posterior draws."""

from dataclasses import replace

import numpy as np
import xarray as xr
from scipy import stats

from hierkit import sampling
from hierkit.arrays import Array
from hierkit.errors import refusal
from hierkit.intervals import beside
from hierkit.model.design import Design
from hierkit.model.points import check_keeps_rows
from hierkit.model.priors import Priors
from hierkit.model.run import Run
from hierkit.posterior.posterior import Posterior
from hierkit.posterior.quantity import Quantity
from hierkit.prediction.predictive_check import replicated
from hierkit.sampling.engines import Choice
from hierkit.sampling.settings import Settings, check_count
from hierkit.simulation.many import many
from hierkit.simulation.parameters import joined, parameters

DRAWS = 400
CHAINS = 1
PLACES = 100  # among which a truth is ranked
FEWEST = 20
NOTICEABLE = 0.01  # of the smallest p-value, over how many there are


def calibration(
    design: Design, priors: Priors, run: Run, n: int = 200, random_seed: int = 0, progressbar: bool = True
) -> Quantity:
    """Whether posteriors of this model, its priors and this design are what they say.

    Parameters are drawn from the priors and outcomes of the same rows from them; the model is fitted to each. The rank
    of the truth among posterior draws is uniform if everything is right (Talts et al. 2018).

    Parameters
    ----------
    design, priors, run : Design, Priors, Run
        Of the fit.
    n : int
        How many data sets.
    random_seed : int, optional
        The same seed gives the same numbers; the fit's own if not given.
    progressbar : bool
        Whether progress is shown.

    Returns
    -------
    Quantity
        `rank` (chain, draw, parameter), a draw for each data set: the share of posterior draws below the truth, whose
        mean is 0.5 and whose sd is 0.289 where all is right; `p_value` (parameter), of Kolmogorov and Smirnov's test of
        uniform ranks. One below 0.01 over the number of parameters says that something is wrong; `attrs["not_uniform"]`
        has the names of these parameters.

    Raises
    ------
    HierkitError
        For fewer than 20 data sets, flat priors, and a fit by the engine "pymc", which takes too long.
    """
    check_keeps_rows(design, "calibration()")
    check_count("n", n)
    if n < FEWEST:
        raise refusal(f"n={n}", f"Ranks of fewer than {FEWEST} data sets say nothing", "Pass n=200")
    if run.engine == "pymc":
        raise refusal(
            "The fit was sampled by the engine pymc", "Hundreds of its fits take hours", "See docs/engines.md"
        )
    from hierkit.sampling.pymc.engine import sample_prior  # PyMC takes seconds to import

    truths = sample_prior(design, priors, run.effects, n, random_seed)
    truth = Posterior(truths, design)
    made = replicated(truth, "known", random_seed)[design.outcome_name]
    outcomes = made.transpose("chain", "draw", "__obs__").values[0]
    known = _parameters(truth)
    settings = Settings(DRAWS, run.tune, CHAINS, cores=1, target_accept=run.target_accept, progressbar=False)

    def rank(place: int, seed: int) -> Array:
        again = replace(design, outcome=replace(design.outcome, y=outcomes[place]))
        choice = Choice(run.engine, run.engine_reason)
        own = replace(settings, random_seed=seed)
        draws = sampling.sample(again, priors, run.effects, choice, own)["posterior"].to_dataset()
        values = _parameters(Posterior(draws, again)).values[0, :: DRAWS // PLACES]
        return np.asarray((np.sum(values < known.values[0, place], axis=0) + 0.5) / (len(values) + 1))

    shares = np.array(many(rank, n, random_seed, "calibration", progressbar))
    p_values = np.array([stats.kstest(column, "uniform").pvalue for column in shares.T])
    coords = {"chain": [0], "draw": np.arange(n), "parameter": known["parameter"].values}
    arrays = {
        "rank": xr.DataArray(shares[None], coords, ("chain", "draw", "parameter")),
        "p_value": beside(xr.DataArray(p_values, {"parameter": coords["parameter"]}, "parameter")),
    }
    noticeable = p_values < NOTICEABLE / len(p_values)
    wrong = [str(name) for name in known["parameter"].values[noticeable]]
    dataset = xr.Dataset(arrays, attrs={"not_uniform": wrong})
    return Quantity(dataset, _definition(n, wrong), picture="calibration")


def _parameters(posterior: Posterior) -> xr.DataArray:
    """(chain, draw, parameter), with the effects of each factor's first level."""
    parts = [parameters(posterior)]
    for factor in posterior.design.factors:
        first = posterior.effects(factor).u.isel(group=0, drop=True)
        labels = [f"{label} of the first {factor.label}" for label in first["effect"].values]
        parts.append(first.assign_coords(effect=labels).rename(effect="parameter"))
    return joined(parts)


def _definition(n: int, wrong: list[str]) -> str:
    verdict = f"The ranks are not uniform for {', '.join(wrong)}." if wrong else "All ranks agree with uniform ones."
    return (
        f"Simulation-based calibration (Talts et al. 2018): in {n} data sets drawn from the priors, the share of "
        "posterior draws below the true value, which is uniform between 0 and 1 where posteriors are what they say; "
        f"p_value: of the test that it is. {verdict}"
    )
