"""The regressions of posteriordb that have reference draws, and eight schools, as hierkit writes them.

Each was compared with posteriordb's Stan code. Priors there hold where predictors are zero, so a proper prior of the
intercept is that of a column `one`.
"""

import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from synthetic import REFERENCE, design_of

import hierkit
from hierkit.posterior.effects import coefficient_draws, read_effects

FOLDER = REFERENCE / "posteriordb"
POSTERIORS = json.loads((FOLDER / "posteriors.json").read_text())
FLAT_SD = "Uniform(0, 1e9)"
WIDE = "Normal(0, 10)"


def of_columns(data: dict[str, Any]) -> pd.DataFrame:
    """The entries that have a number for each row."""
    return pd.DataFrame({name: values for name, values in data.items() if isinstance(values, list)})


def of_lags(data: dict[str, Any]) -> pd.DataFrame:
    """The series, and beside each value the five before it."""
    y, lags = np.array(data["y"]), data["K"]
    earlier = {f"lag{k}": y[lags - k : len(y) - k] for k in range(1, lags + 1)}
    return pd.DataFrame({"y": y[lags:], "one": 1.0, **earlier})


def of_matrix(data: dict[str, Any]) -> pd.DataFrame:
    X = np.array(data["X"])
    return pd.DataFrame({"y": data["y"], **{f"x{k}": X[:, k] for k in range(data["D"])}})


def of_years(data: dict[str, Any]) -> pd.DataFrame:
    return of_columns(data).assign(one=1.0)


def of_schools(data: dict[str, Any]) -> pd.DataFrame:
    return of_columns(data).assign(school=np.arange(1, data["J"] + 1))


@dataclass(frozen=True)
class Model:
    """A formula, how posteriordb's data become its table, and priors that are not flat."""

    formula: str
    table: Callable[[dict[str, Any]], pd.DataFrame] = of_columns
    priors: dict[str, str] = field(default_factory=dict)
    known_sd: str | None = None


KIDS = {"sigma": "HalfCauchy(2.5)"}
SCHOOLS = Model(
    "y ~ 1 + (1 | school)",
    of_schools,
    {"Intercept": "Normal(0, 5)", "sd(Intercept|school)": "HalfCauchy(5)"},
    known_sd="sigma",
)
MODELS = {
    "arK": Model(
        "y ~ 0 + one + lag1 + lag2 + lag3 + lag4 + lag5",
        of_lags,
        dict.fromkeys(["one", "lag1", "lag2", "lag3", "lag4", "lag5"], WIDE) | {"sigma": "HalfCauchy(2.5)"},
    ),
    "earn_height": Model("earn ~ height"),
    "log10earn_height": Model("log10(earn) ~ height"),
    "logearn_height": Model("log(earn) ~ height"),
    "logearn_height_male": Model("log(earn) ~ height + male"),
    "logearn_interaction": Model("log(earn) ~ height * male"),
    "logearn_interaction_z": Model("log(earn) ~ scale(height) * male"),
    "logearn_logheight_male": Model("log(earn) ~ log(height) + male"),
    "eight_schools_centered": SCHOOLS,
    "eight_schools_noncentered": SCHOOLS,
    "kidscore_interaction": Model("kid_score ~ mom_hs * mom_iq", priors=KIDS),
    "kidscore_momhs": Model("kid_score ~ mom_hs", priors=KIDS),
    "kidscore_momhsiq": Model("kid_score ~ mom_hs + mom_iq", priors=KIDS),
    "kidscore_momiq": Model("kid_score ~ mom_iq", priors=KIDS),
    "kilpisjarvi": Model(
        "y ~ 0 + one + x", of_years, {"one": "Normal(9.31290322580645, 100)", "x": "Normal(0, 0.0333333333333333)"}
    ),
    "nes": Model("partyid7 ~ real_ideo + race_adj + factor(age_discrete) + educ1 + gender + income"),
    "blr": Model(
        "y ~ 0 + x0 + x1 + x2 + x3 + x4",
        of_matrix,
        dict.fromkeys(["x0", "x1", "x2", "x3", "x4"], WIDE) | {"sigma": "HalfNormal(10)"},
    ),
}


def fitted(name: str, **options: Any) -> hierkit.Fit:
    """The fit of one of posteriordb's posteriors."""
    model = MODELS[POSTERIORS[name]["model"]]
    data = json.loads(gzip.decompress((FOLDER / f"{POSTERIORS[name]['data']}.json.gz").read_bytes()))
    rows = model.table(data)
    given: dict[str, Any] = {"known_sd": model.known_sd, "random_seed": 1, "progressbar": False} | options
    columns = [column.label for column in design_of(model.formula, rows, known_sd=model.known_sd).columns]
    flat = dict.fromkeys(columns, "Flat()") | ({} if model.known_sd else {"sigma": FLAT_SD})
    return hierkit.fit(model.formula, rows, priors=flat | model.priors, **given)


def values_of(fit: hierkit.Fit) -> xr.DataArray:
    """(chain, draw, parameter), in the order of posteriordb's parameters."""
    posterior = fit.draws["posterior"].to_dataset()
    coefficients = coefficient_draws(posterior, fit.design.columns).values
    if not fit.design.factors:
        parts = [coefficients, posterior["sigma"].values[..., None]]
    else:
        (factor,) = fit.design.factors
        u = read_effects(posterior, factor).u.values[..., 0]
        tau = posterior[factor.names.sd(factor.effects[0].term)].values[..., None]
        parts = [coefficients + u, coefficients, tau]
    return xr.DataArray(np.concatenate(parts, axis=-1), dims=("chain", "draw", "parameter"))
