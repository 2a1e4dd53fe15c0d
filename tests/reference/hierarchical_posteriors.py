"""Reference posteriors of posteriordb's sixteen hierarchical models that have none, by its recipe, from three
engines.

`python tests/reference/hierarchical_posteriors.py` writes hierarchical_posteriors.json: of each posterior the mean
and sd of every parameter in 10,000 draws (10 chains of 10,000, every tenth kept), where every R-hat is below 1.01,
every autocorrelation below 0.05 and no draw divergent. Shorter runs of the other engines are compared with them.

Where they differ from posteriordb: the tables of 12,573 and 11,566 rows are simulated to its shape; Minnesota's
uranium is that of rstanarm's table; the pilots' two means are one, which is all that data know of; the seeds have the
priors of its "stanified" model, that of the intercept at the means of the predictors; and the sd of the hospitals,
whose variance is inverse gamma there, is half-normal. Bambi's model has no column `one`: its intercept's prior holds
at the means, which these data do not feel.

Sources of the data: rats, Gelfand, Hills, Racine-Poon and Smith (1990), JASA 85, 972-985; seeds, Crowder (1978),
Applied Statistics 27, 34-37; surgical, Spiegelhalter et al. (1996), BUGS examples 1; pilots and radon, Gelman and
Hill (2007).
"""

import json
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import arviz_stats
import numpy as np
import pandas as pd
import xarray as xr
from scipy.special import expit

import hierkit
from hierkit.datasets import radon
from hierkit.errors import SamplingWarning
from hierkit.model.families import FamilyName
from hierkit.model.run import EngineName
from hierkit.posterior.draws import varying

FOLDER = Path(__file__).parent
FILE = FOLDER / "hierarchical_posteriors.json"
FLAT_SD = "Uniform(0, 1e6)"
UP_TO_100 = "Uniform(0, 100)"
WIDE = "Normal(0, 10)"
UNIT = "HalfNormal(1)"
RECIPE = {"chains": 10, "draws": 10_000, "tune": 2_000}
THIN = 10
MOST_ROWS_IN_PYMC = 5_000
LENGTHS: dict[EngineName, dict[str, int]] = {"joint": {"draws": 2_500}, "pymc": {"draws": 1_000}}


def read(name: str) -> pd.DataFrame:
    return pd.read_csv(FOLDER / "data" / f"{name}.csv")


def radon_of_all_states() -> pd.DataFrame:
    """12,573 houses in 386 counties of very different sizes."""
    rng = np.random.default_rng(1)
    counties, houses = 386, 12_573
    sizes = 1 + rng.multinomial(houses - counties, rng.dirichlet(np.full(counties, 0.5)))
    uranium = rng.normal(0, 0.4, counties)
    levels = 1.4 + 0.7 * uranium + rng.normal(0, 0.35, counties)
    slopes = -0.6 + rng.normal(0, 0.25, counties)
    county = np.repeat(np.arange(counties), sizes)
    floor = rng.binomial(1, 0.2, houses)
    y = rng.normal(levels[county] + slopes[county] * floor, 0.77)
    return pd.DataFrame({"county": county, "floor": floor, "log_uranium": uranium[county], "log_radon": y})


def election_of_1988() -> pd.DataFrame:
    """11,566 voters: four ages, four educations, their sixteen combinations, 51 states in five regions."""
    rng = np.random.default_rng(2)
    n = 11_566
    age, education = rng.integers(0, 4, n), rng.integers(0, 4, n)
    state = rng.choice(51, n, p=rng.dirichlet(np.full(51, 1.5)))
    female, black = rng.binomial(1, 0.58, n), rng.binomial(1, 0.08, n)
    earlier = rng.normal(0.55, 0.05, 51)
    region, both = state % 5, 4 * age + education
    eta = -3.5 - 1.7 * black - 0.1 * female - 0.2 * black * female + 7 * earlier[state]
    for groups, codes, sd in (
        (4, age, 0.1),
        (4, education, 0.15),
        (16, both, 0.15),
        (51, state, 0.2),
        (5, region, 0.2),
    ):
        eta = eta + rng.normal(0, sd, groups)[codes]
    columns = {"age": age, "education": education, "both": both, "state": state, "region": region, "black": black}
    return pd.DataFrame(
        {**columns, "female": female, "earlier": earlier[state], "bush": rng.binomial(1, expit(eta)), "one": 1.0}
    )


@dataclass(frozen=True)
class Model:
    """A formula, its table and its priors; those of coefficients hold where predictors are zero."""

    formula: str
    table: Callable[[], pd.DataFrame]
    priors: dict[str, str]
    family: FamilyName = "gaussian"

    def fit(self, engine: EngineName, **options: Any) -> hierkit.Fit:
        """A fit of it; findings of sampling are seen from the draws."""
        rows = self.table().assign(one=1.0)
        formula, priors = self.formula, self.priors
        if engine == "pymc" and "one" in priors:
            formula = formula.replace("0 + one", "1")
            priors = {"Intercept" if name == "one" else name: prior for name, prior in priors.items()}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SamplingWarning)
            return hierkit.fit(
                formula,
                rows,
                family=self.family,
                priors=priors,
                engine=engine,
                progressbar=False,
                random_seed=1,
                **options,
            )


def radon_models(table: Callable[[], pd.DataFrame]) -> dict[str, Model]:
    sds = {"sigma": UNIT, "sd(county)": UNIT}
    effects = {"one": WIDE, "floor": WIDE}
    return {
        "partially_pooled": Model("log_radon ~ 0 + one + (1 | county)", table, sds | {"one": WIDE}),
        "variable_intercept": Model("log_radon ~ 0 + one + floor + (1 | county)", table, sds | effects),
        "hierarchical_intercept": Model(
            "log_radon ~ 0 + one + log_uranium + floor + (1 | county)", table, sds | effects | {"log_uranium": WIDE}
        ),
        "variable_slope": Model("log_radon ~ 0 + one + floor + (0 + floor | county)", table, sds | effects),
        "variable_intercept_slope": Model("log_radon ~ 0 + one + floor + (floor || county)", table, sds | effects),
    }


def crossed(*factors: str) -> str:
    return " + ".join(f"(1 | {factor})" for factor in factors)


VOTERS = ("age", "education", "both", "state", "region")
VOTE = ("one", "black", "female", "black:female", "earlier")
MODELS = {
    **{f"radon_mn-radon_{name}": model for name, model in radon_models(radon).items()},
    **{f"radon_all-radon_{name}": model for name, model in radon_models(radon_of_all_states).items()},
    "radon_mod-radon_county": Model(
        "log_radon ~ 0 + one + (1 | county)",
        radon_of_all_states,
        {"one": "Normal(0, 1)", "sd(county)": UP_TO_100, "sigma": UP_TO_100},
    ),
    "rats_data-rats_model": Model(
        "weight ~ 0 + one + I(day - 22) + (I(day - 22) || rat)",
        partial(read, "rats"),
        {"one": "Normal(0, 100)", "I(day - 22)": "Normal(0, 100)", "sd(rat)": FLAT_SD, "sigma": FLAT_SD},
    ),
    "pilots-pilots": Model(
        "recovered ~ 0 + one + (1 | treatment) + (1 | airport)",
        partial(read, "pilots"),
        {
            "one": "Normal(0, 14.142135623730951)",
            "sd(treatment)": UP_TO_100,
            "sd(airport)": UP_TO_100,
            "sigma": UP_TO_100,
        },
    ),
    "election88-election88_full": Model(
        f"bush ~ 0 + one + black * female + earlier + {crossed(*VOTERS)}",
        election_of_1988,
        dict.fromkeys(VOTE, "Normal(0, 100)") | {f"sd({factor})": UP_TO_100 for factor in VOTERS},
        family="bernoulli",
    ),
    "seeds_data-seeds_stanified_model": Model(
        "p(germinated, seeds) ~ 1 + seed_type * extract + (1 | plate)",
        partial(read, "seeds"),
        dict.fromkeys(["Intercept", "seed_type", "extract", "seed_type:extract"], "Normal(0, 1)")
        | {"sd(plate)": "HalfCauchy(1)"},
        family="bernoulli",
    ),
    "surgical_data-surgical_model": Model(
        "p(deaths, operations) ~ 0 + one + (1 | hospital)",
        partial(read, "surgical"),
        {"one": "Normal(0, 1000)", "sd(hospital)": UNIT},
        family="bernoulli",
    ),
}


def engines_of(model: Model) -> tuple[EngineName, ...]:
    """The fastest first; without PyMC's model, which takes hours, for ten thousand rows of hundreds of groups."""
    compiled: tuple[EngineName, ...] = ("marginal", "joint") if model.family == "gaussian" else ("joint",)
    return compiled if len(model.table()) > MOST_ROWS_IN_PYMC else (*compiled, "pymc")


def entries(draws: xr.Dataset) -> dict[str, xr.DataArray]:
    """(chain, draw) of each entry of each variable, by its name and labels."""
    found = {}
    for name, values in varying(draws).items():
        others = [dim for dim in values.dims if dim not in ("chain", "draw")]
        if not others:
            found[str(name)] = values
            continue
        (dim,) = others
        found |= {f"{name}[{label}]": values.sel({dim: label}, drop=True) for label in values[dim].values}
    return found


def reference(model: Model, engine: EngineName) -> dict[str, Any]:
    """By the recipe: means and sds in 10,000 draws, and what they have to hold to."""
    fit = model.fit(engine=engine, **RECIPE)
    draws = fit.draws["posterior"].to_dataset().isel(draw=slice(None, None, THIN))
    by_name = entries(draws)
    lag = max(
        float(np.mean([np.corrcoef(chain[:-1], chain[1:])[0, 1] for chain in one.values])) for one in by_name.values()
    )
    statistics = fit.draws["sample_stats"].to_dataset()
    return {
        "engine": engine,
        "draws": draws.sizes["chain"] * draws.sizes["draw"],
        "largest_r_hat": round(float(arviz_stats.rhat(varying(draws)).to_array().max()), 4),
        "largest_autocorrelation": round(lag, 4),
        "divergent": int(statistics["diverging"].sum()),
        "smallest_e_bfmi": round(float(arviz_stats.bfmi(statistics).to_array().min()), 3),
        "posterior": {name: [significant(one.mean()), significant(one.std())] for name, one in by_name.items()},
    }


def significant(value: xr.DataArray) -> float:
    return float(f"{float(value):.6g}")


def compared(model: Model, engine: EngineName, found: dict[str, Any], **options: Any) -> dict[str, Any]:
    """How far another engine's means are from the reference's in Monte Carlo standard errors and sds, and its sds."""
    fit = model.fit(engine=engine, **options)
    draws = entries(fit.draws["posterior"].to_dataset())
    by_name = {name if name in found["posterior"] else "one": values for name, values in draws.items()}
    mean, sd = np.array([found["posterior"][name] for name in by_name]).T
    own = xr.concat(list(by_name.values()), "entry", coords="minimal", compat="override")
    errors = arviz_stats.mcse(own, method="mean")
    away = abs(own.mean(("chain", "draw")).values - mean)
    return {
        "draws": own.sizes["chain"] * own.sizes["draw"],
        "parameters": len(by_name),
        "largest_distance_in_errors": round(float(np.max(away / np.hypot(errors, sd / 100))), 2),
        "largest_distance_in_sds": round(float(np.max(away / sd)), 3),
        "largest_difference_of_sds": round(float(np.max(abs(own.std(("chain", "draw")).values / sd - 1))), 3),
    }


def main() -> None:
    """Every posterior, or those named; what is written stays."""
    kept = json.loads(FILE.read_text()) if FILE.exists() else {}
    for name in sys.argv[1:] or MODELS:
        first, *others = engines_of(MODELS[name])
        found = reference(MODELS[name], first)
        found["compared"] = {engine: compared(MODELS[name], engine, found, **LENGTHS[engine]) for engine in others}
        kept[name] = found
        FILE.write_text(json.dumps({key: kept[key] for key in MODELS if key in kept}, indent=1) + "\n")
        print(name, {key: value for key, value in found.items() if key != "posterior"}, flush=True)


if __name__ == "__main__":
    main()
