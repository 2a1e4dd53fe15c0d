"""Designs and synthetic draws for tests that sample nothing, and fits that are sampled once a session."""

import functools
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

import hierkit
from hierkit.model.design import Design, make_design
from hierkit.model.formula import parse
from hierkit.model.precision import make_precision
from hierkit.model.priors import make_priors
from hierkit.model.rows import read_rows
from hierkit.posterior.effects import coefficient_draws, read_effects
from hierkit.sampling.joint.patterns import make_patterns
from hierkit.sampling.kernels.layout import make_layout

REFERENCE = Path(__file__).parent / "reference"


def design_of(
    formula: str, data: pd.DataFrame, family: str = "gaussian", weights: str | None = None, known_sd: str | None = None
) -> Design:
    parsed = parse(formula).with_precision(make_precision(weights, known_sd, family))
    return make_design(parsed, read_rows(data, parsed.columns), family)


def table(n: int = 60, seed: int = 0) -> pd.DataFrame:
    """Every kind of column under every kind of name."""
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "y": rng.normal(size=n),
            "x": rng.normal(size=n),
            "z": rng.uniform(1, 2, n),
            "h": rng.choice(["low", "mid", "top"], n),
            "k": pd.Categorical(rng.choice(list("abc"), n), categories=list("cbad")),
            "g": rng.integers(0, 6, n) * 10,
            "s": rng.choice(["N", "S", "E"], n),
            "day": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 4, n), "D"),
            "flag": rng.choice(["no", "yes"], n),
            "won": rng.choice([True, False], n),
            "hits": rng.integers(0, 5, n),
            "tries": rng.integers(5, 9, n),
            "km/h": rng.normal(50, 10, n),
            "the unit": rng.choice(["u/v", "w x", "a|b"], n),
            "_low": rng.normal(size=n),
            "time_offset": rng.normal(size=n),
        }
    )


def frequencies(seed: int = 0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A table of frequencies `n` of an outcome `won` by `g` and `x`, with an empty cell, and the same a trial a row."""
    levels: list[list[Any]] = [list("abcde"), [0.0, 1.0], [0, 1]]
    cells = pd.MultiIndex.from_product(levels, names=["g", "x", "won"]).to_frame(index=False)
    cells["n"] = np.random.default_rng(seed).integers(1, 7, len(cells))
    cells.loc[3, "n"] = 0
    return cells, cells.loc[cells.index.repeat(cells.n)].reset_index(drop=True)


def twelve_groups() -> pd.DataFrame:
    """A table of twelve groups of five rows, in which nothing is to be found."""
    x, y = (np.random.default_rng(seed).normal(size=60) for seed in (0, 1))
    return pd.DataFrame({"g": np.repeat(np.arange(12), 5), "x": x, "y": y})


def many_groups(groups: int) -> pd.DataFrame:
    """A table of groups of 2 to 6 rows."""
    rng = np.random.default_rng(0)
    g = np.repeat(np.arange(groups), rng.integers(2, 7, groups))
    return pd.DataFrame({"y": rng.normal(size=len(g)), "x": rng.normal(size=len(g)), "g": g})


def synthetic_draws(design: Design, chains: int = 2, draws: int = 50, seed: int = 0) -> xr.Dataset:
    """Random numbers under the names and dims that a fit's posterior has."""
    rng = np.random.default_rng(seed)
    lead = {"chain": np.arange(chains), "draw": np.arange(draws)}
    shape = (chains, draws)
    variables: dict[str, xr.DataArray] = {}

    def add(name: str, columns: list[Any], dim: str, values: Any, extra: tuple[Any, ...] = ()) -> None:
        vector = columns[0].index is not None
        size = (*shape, *((len(columns),) if vector else ()), *(len(levels) for _, levels in extra))
        coords = {**lead, **({dim: [column.level for column in columns]} if vector else {}), **dict(extra)}
        variables[name] = xr.DataArray(values(size), coords=coords, dims=list(coords))

    for term in dict.fromkeys(column.term for column in design.columns):
        own = [column for column in design.columns if column.term == term]
        add(term, own, f"{term}_dim", lambda size: rng.normal(size=size))
    if design.outcome.has_sigma:
        variables["sigma"] = xr.DataArray(rng.gamma(20, 0.1, shape), coords=lead, dims=list(lead))
    for factor in design.factors:
        for term in dict.fromkeys(effect.term for effect in factor.effects):
            own = [effect for effect in factor.effects if effect.term == term]
            groups = ((f"{factor.name}__factor_dim", factor.levels),)
            add(f"{term}|{factor.name}", own, f"{term}__expr_dim", lambda size: rng.normal(size=size), groups)
            add(f"{term}|{factor.name}_sigma", own, f"{term}__expr_dim", lambda size: rng.gamma(20, 0.1, size))
        if factor.blocks:
            labels = factor.effect_names
            corr = np.broadcast_to(np.eye(len(labels)), (*shape, len(labels), len(labels))).copy()
            for block in factor.blocks:
                for i in block:
                    for j in block:
                        if i < j:
                            corr[..., i, j] = corr[..., j, i] = rng.uniform(-0.3, 0.3, shape)
            dims = {f"{factor.name}_effect": labels, f"{factor.name}_effect_other": labels}
            variables[f"{factor.name}_corr"] = xr.DataArray(corr, coords={**lead, **dims}, dims=[*lead, *dims])
    return xr.Dataset(variables)


def fixed_draws(design: Design, values: dict[str, float], corr: float = 0.0, draws: int = 3) -> xr.Dataset:
    """Draws that are all the same numbers; group effects are random ones, and correlations one number."""
    posterior = synthetic_draws(design, chains=1, draws=draws)
    for name, value in values.items():
        posterior[name] = xr.full_like(posterior[name], value)
    for name in [str(name) for name in posterior if str(name).endswith("_corr")]:
        size = posterior[name].shape[-1]
        posterior[name] = posterior[name].copy(
            data=np.broadcast_to(np.where(np.eye(size) == 1, 1.0, corr), posterior[name].shape)
        )
    return posterior


def synthetic_fit(
    formula: str,
    data: pd.DataFrame,
    family: str = "gaussian",
    weights: str | None = None,
    known_sd: str | None = None,
    **sizes: int,
) -> hierkit.Fit:
    """A Fit whose draws are random numbers."""
    design = design_of(formula, data, family, weights, known_sd)
    posterior = synthetic_draws(design, **sizes)
    statistics = xr.Dataset(
        {
            "diverging": (("chain", "draw"), np.zeros((posterior.sizes["chain"], posterior.sizes["draw"]), dtype=bool)),
            "energy": (("chain", "draw"), np.random.default_rng(1).normal(size=tuple(posterior.sizes.values())[:2])),
        },
        coords={"chain": posterior.chain, "draw": posterior.draw},
    )
    draws = xr.DataTree.from_dict({"posterior": posterior, "sample_stats": statistics})
    draws.attrs = {
        "engine": "pymc",
        "engine_reason": "asked for",
        "effects": "normal",
        "random_seed": 0,
        "draws": posterior.sizes["draw"],
        "tune": 0,
        "chains": posterior.sizes["chain"],
        "target_accept": 0.8,
        "nuts_sampler": "nutpie",
        "retry": "",
        "sampling_seconds": 0.0,
        "versions": {"hierkit": hierkit.__version__},
    }
    return hierkit.Fit(design.formula, design, make_priors(design), draws)


def patterns_of(design: Design) -> Any:
    """Rows as `joint` reads them, common columns centred and effects as the formula has them."""
    columns = design.X - design.column_means
    T = np.eye(sum(len(factor.effects) for factor in design.factors))
    return make_patterns(design, make_layout(design.factors), columns, T)


def linear_predictor(design: Design, posterior: xr.Dataset) -> np.ndarray:
    """(chain, draw, row), X beta + Z u + offset, written out with the design's own matrices."""
    eta = np.broadcast_to(design.offset, (posterior.sizes["chain"], posterior.sizes["draw"], len(design.offset)))
    if design.columns:
        eta = eta + coefficient_draws(posterior, design.columns).values @ design.X.T
    for factor in design.factors:
        u = read_effects(posterior, factor).u.values
        eta = eta + (u[:, :, factor.codes, :] * factor.Z).sum(axis=-1)
    return eta


def reference_table(name: str) -> pd.DataFrame:
    labels = {"Subject": str, "herd": str, "period": str}
    return pd.read_csv(REFERENCE / "data" / f"{name}.csv", dtype=labels)


@functools.cache
def sleepstudy_fit() -> hierkit.Fit:
    return hierkit.fit(
        "Reaction ~ Days + (Days | Subject)", reference_table("sleepstudy"), random_seed=1, progressbar=False
    )
