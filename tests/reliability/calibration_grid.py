"""Whether posteriors are what they say, over a grid of models: simulation-based calibration.

`python tests/reliability/calibration_grid.py` (`make calibration`) writes tests/reference/calibration.json. Truths
are drawn from the priors by PyMC and outcomes from them; each is fitted, and the truth's rank among a hundred of the
posterior's draws is uniform if everything is right (Talts et al. 2018). Ranked are parameters, effects of the first
group, shrinkage, ICC, the marginal slope and a group that was not seen. A quantity's p-value is that of its largest
departure from the band of uniform ranks (Säilynoja, Bürkner and Vehtari 2022), all places taken together.
"""

import functools
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from scipy import stats
from synthetic import design_of

from hierkit import sampling
from hierkit.model.design import Design
from hierkit.model.priors import make_priors
from hierkit.posterior.posterior import Posterior
from hierkit.prediction.predict import predict
from hierkit.prediction.predictive_check import replicated
from hierkit.quantities.icc import icc
from hierkit.quantities.shrinkage import shrinkage
from hierkit.quantities.slopes import slopes
from hierkit.sampling.engines import Choice
from hierkit.sampling.pymc.engine import sample_prior
from hierkit.sampling.settings import Settings
from hierkit.simulation.many import many
from hierkit.simulation.parameters import parameters

FILE = Path(__file__).parents[1] / "reference" / "calibration.json"
DRAWS, TUNE, RANKED = 500, 1000, 100
LONG = 200


def rows_of(groups: int, size: int) -> pd.DataFrame:
    """Equally large groups: numbers three sds from zero, a category, a crossed factor, weights over four orders."""
    rng = np.random.default_rng(groups * 1000 + size)
    n = groups * size
    x = 3 + rng.normal(size=n)
    return pd.DataFrame(
        {
            "g": np.repeat(np.arange(groups), size),
            "d": np.arange(n) % 5,
            "h": np.array(["low", "mid", "top"])[np.arange(n) % 3],
            "x": x,
            "near": x + 0.03 * rng.normal(size=n),
            "y": rng.normal(size=n),
            "hit": np.arange(n) % 2,
            "hits": np.arange(n) % 4,
            "tries": 3 + np.arange(n) % 3,
            "w": 10.0 ** rng.uniform(-2, 2, n),
            "s": 10.0 ** rng.uniform(-1, 1, n),
        }
    )


@dataclass(frozen=True)
class Cell:
    """A model and the layout of its rows."""

    formula: str
    engine: str
    groups: int = 8
    size: int = 5
    priors: dict[str, str] = field(default_factory=dict)
    weights: str | None = None
    known_sd: str | None = None
    effects: str = "normal"
    count: int = LONG

    @property
    def design(self) -> Design:
        family = "gaussian" if self.formula.startswith("y") else "bernoulli"
        return design_of(self.formula, rows_of(self.groups, self.size), family, self.weights, self.known_sd)


UNIT = {"Intercept": "Normal(0, 1)", "x": "Normal(0, 1)"}
G, B = UNIT | {"sigma": "Gamma(4, 4)"}, UNIT
LEVELS, SLOPES = "y ~ x + (1 | g)", "y ~ x + (x | g)"
HITS, HIT_SLOPES = "hit ~ x + (1 | g)", "hit ~ x + (x | g)"
CELLS = {
    "intercepts": Cell(LEVELS, "marginal", priors=G),
    "slopes": Cell(SLOPES, "marginal", priors=G),
    "slopes, joint": Cell(SLOPES, "joint", priors=G),
    "slopes, pymc": Cell(SLOPES, "pymc", priors=G, count=40),
    "slopes, priors at zero": Cell(SLOPES, "marginal", priors=G | {"sd(g)": "Exponential(1)", "cor(g)": "LKJ(2)"}),
    "slopes, uncorrelated": Cell("y ~ x + (x || g)", "marginal", priors=G),
    "3 groups": Cell(SLOPES, "marginal", 3, 12, G),
    "3 groups, joint": Cell(SLOPES, "joint", 3, 12, G),
    "60 groups of 2": Cell(SLOPES, "marginal", 60, 2, G),
    "6 groups of 60": Cell(SLOPES, "marginal", 6, 60, G),
    "one-row groups, known sds": Cell("y ~ x + (1 | g)", "marginal", 30, 1, UNIT, known_sd="s"),
    "sd near 0": Cell(LEVELS, "marginal", priors=G | {"sd(g)": "HalfNormal(0.02)"}),
    "sd near 0, joint": Cell(LEVELS, "joint", priors=G | {"sd(g)": "HalfNormal(0.02)"}),
    "sd far above sigma": Cell(SLOPES, "marginal", priors=G | {"sd(g)": "Gamma(4, 0.04)"}),
    "sd far above sigma, joint": Cell(SLOPES, "joint", priors=G | {"sd(g)": "Gamma(4, 0.04)"}),
    "nearly collinear slopes": Cell("y ~ x + near + (x + near | g)", "marginal", priors=G),
    "nearly collinear slopes, joint": Cell("y ~ x + near + (x + near | g)", "joint", priors=G),
    "weights": Cell(SLOPES, "marginal", priors=G, weights="w"),
    "weights, joint": Cell(SLOPES, "joint", priors=G, weights="w"),
    "known sds": Cell(SLOPES, "marginal", priors=UNIT, known_sd="s"),
    "crossed": Cell("y ~ x + (x | g) + (1 | d)", "marginal", priors=G),
    "crossed, joint": Cell("y ~ x + (x | g) + (1 | d)", "joint", priors=G),
    "category by group": Cell("y ~ h + x + (h | g)", "marginal", 8, 9, G),
    "Student-t effects": Cell(LEVELS, "marginal", 20, 4, G, effects="student_t"),
    "events": Cell(HITS, "joint", priors=B),
    "events, slopes": Cell(HIT_SLOPES, "joint", 10, 12, B),
    "events, slopes, pymc": Cell(HIT_SLOPES, "pymc", 10, 12, B, count=40),
    "events, 3 groups": Cell(HIT_SLOPES, "joint", 3, 12, B),
    "events, one-row groups": Cell(HITS, "joint", 40, 1, B | {"sd(g)": "HalfNormal(1)"}),
    "events, 98 % zeros": Cell(HITS, "joint", 10, 40, B | {"Intercept": "Normal(-4, 0.3)", "x": "Normal(0, 0.3)"}),
    "events, sd near 0": Cell(HITS, "joint", priors=B | {"sd(g)": "HalfNormal(0.02)"}),
    "events, sd far above 1": Cell(HITS, "joint", 12, 12, B | {"sd(g)": "Gamma(4, 0.5)"}),
    "events, nearly collinear": Cell("hit ~ x + near + (x + near | g)", "joint", 8, 12, B),
    "events, crossed": Cell("hit ~ x + (x | g) + (1 | d)", "joint", 8, 10, B),
    "events, Student-t effects": Cell(HITS, "joint", 20, 6, B, effects="student_t"),
    "counts": Cell("p(hits, tries) ~ x + (x | g)", "joint", 8, 6, B),
}


def quantities(posterior: Posterior, seed: int) -> xr.DataArray:
    """(chain, draw, quantity), what is ranked."""
    design = posterior.design
    new = design.rows.frame.iloc[[0]].assign(g="a new one")
    share = shrinkage(posterior, "g").draws
    found = {
        "shrinkage": share["overall"].isel(group=0, drop=True),
        "icc": icc(posterior).draws["latent"].isel(factor=0, drop=True),
        "marginal slope": slopes(posterior, "x", kind="marginal").draws["average"],
        "new group": predict(posterior, new, groups="new", random_seed=seed).draws["mean"].isel(row=0, drop=True),
    }
    first = posterior.effects(design.factors[0]).u.isel(group=0, drop=True)
    named = {f"{label} of the first group": first.sel(effect=label, drop=True) for label in first["effect"].values}
    known = parameters(posterior)
    named |= {str(name): known.sel(parameter=name, drop=True) for name in known["parameter"].values}
    dataset = xr.Dataset({name: values.reset_coords(drop=True) for name, values in (found | named).items()})
    return dataset.to_dataarray("quantity").transpose("chain", "draw", "quantity")


def simulated(cell: Cell, design: Design, y: Any) -> Design:
    """The design with other outcomes; Bambi's model reads them from the table."""
    if cell.engine == "pymc":
        rows = rows_of(cell.groups, cell.size).assign(**{design.outcome_name: y})
        return design_of(cell.formula, rows, design.family.name)
    return replace(design, outcome=replace(design.outcome, y=y))


def ranks(cell: Cell, count: int, seed: int = 1) -> xr.DataArray:
    """(simulation, quantity), how many of a hundred posterior draws lie below the truth."""
    design, run = cell.design, sampling.sample
    priors = make_priors(design, cell.priors, cell.effects)  # type: ignore[arg-type]
    truths = sample_prior(design, priors, cell.effects, count, seed)  # type: ignore[arg-type]
    truth = Posterior(truths, design)
    outcomes = replicated(truth, "known", seed)[design.outcome_name].transpose("chain", "draw", "__obs__").values[0]
    known = quantities(truth, seed)
    settings = Settings(DRAWS, TUNE, chains=1, cores=1, target_accept=0.95, progressbar=False)

    def rank(place: int, own: int) -> Any:
        again = simulated(cell, design, outcomes[place])
        draws = run(again, priors, cell.effects, Choice(cell.engine, ""), replace(settings, random_seed=own))  # type: ignore[arg-type]
        found = quantities(Posterior(draws["posterior"].to_dataset(), again), own).values[0, :: DRAWS // RANKED]
        truth_here = known.values[0, place]
        ties = np.random.default_rng(own).integers(0, 1 + (found == truth_here).sum(axis=0))
        return (found < truth_here).sum(axis=0) + ties

    found = many(rank, count, seed, "calibration", progressbar=False)
    return xr.DataArray(np.array(found), {"quantity": known["quantity"]}, ("simulation", "quantity"))


def departure(places: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """(...,), the smallest two-sided binomial probability of the counts of ranks (..., simulation) up to each place."""
    below = np.stack([(places <= place).sum(axis=-1) for place in range(RANKED)], axis=-1)
    n, shares = places.shape[-1], (np.arange(RANKED) + 1) / (RANKED + 1)
    tails = np.minimum(stats.binom.cdf(below, n, shares), stats.binom.sf(below - 1, n, shares))
    smallest: np.ndarray[Any, Any] = np.minimum(2 * tails, 1).min(axis=-1)
    return smallest


@functools.cache
def departures_of_uniform(count: int) -> np.ndarray[Any, Any]:
    """(20000,), the departures of uniform ranks, sorted."""
    rng = np.random.default_rng(0)
    return np.sort(np.concatenate([departure(rng.integers(0, RANKED + 1, (500, count))) for _ in range(40)]))


def p_values(found: xr.DataArray) -> dict[str, float]:
    """The share of uniform ranks that depart as far, by quantity."""
    null = departures_of_uniform(found.sizes["simulation"])
    own = departure(found.transpose("quantity", "simulation").values)
    shares = (np.searchsorted(null, own, side="right") + 1) / (len(null) + 1)
    return dict(zip(found["quantity"].values.tolist(), shares.tolist(), strict=True))


def summary(cell: Cell, found: xr.DataArray, seconds: float) -> dict[str, Any]:
    """What is written of a cell: p-values, and mean and sd of ranks as shares, 0.5 and 0.289 where all is right."""
    shares = (found + 0.5) / (RANKED + 1)
    by_quantity = {
        name: [
            round(p, 4),
            round(float(shares.sel(quantity=name).mean()), 3),
            round(float(shares.sel(quantity=name).std()), 3),
        ]
        for name, p in p_values(found).items()
    }
    return {
        "formula": cell.formula,
        "engine": cell.engine,
        "groups": cell.groups,
        "rows": cell.groups * cell.size,
        "simulations": found.sizes["simulation"],
        "seconds": round(seconds),
        "quantities": by_quantity,
    }


def main(clock: Callable[[], float] = time.perf_counter) -> None:
    """Every cell, or those named; what is written stays."""
    kept = json.loads(FILE.read_text()) if FILE.exists() else {}
    for name in sys.argv[1:] or CELLS:
        start = clock()
        cell = CELLS[name]
        found = ranks(cell, cell.count)
        kept[name] = summary(cell, found, clock() - start)
        FILE.write_text(json.dumps({key: kept[key] for key in CELLS if key in kept}, indent=1) + "\n")
        lowest = min(kept[name]["quantities"].items(), key=lambda item: item[1][0])
        print(f"{name}: {kept[name]['seconds']} s, lowest p {lowest}", flush=True)


if __name__ == "__main__":
    main()
