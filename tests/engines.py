"""What holds an engine to the truth: the PyMC model's density at the same point, and its posterior."""

import warnings
from typing import Any

import arviz_stats
import numpy as np
import pandas as pd
import xarray as xr

import hierkit
from hierkit.errors import SamplingWarning
from hierkit.model.basis import make_basis
from hierkit.model.priors import make_priors
from hierkit.posterior.draws import varying
from hierkit.sampling.kernels import codes, covariances


def pymc_point(model: Any, design: Any, parameters: Any, values: Any, z: Any) -> dict[str, Any]:
    """The PyMC model's value variables at values of the parameters and unit effects z (group, effect) per factor."""
    by_name = dict(zip(parameters.names, values, strict=True))
    point = {}

    if "basis_offset" in {rv.name for rv in model.free_RVs}:
        R = np.linalg.inv(make_basis(design, make_priors(design)).inverse)
        point["basis_offset"] = R @ values[: len(design.columns)]

    def put(name: str, value: Any, vector: bool) -> None:
        rv = next(rv for rv in model.free_RVs if rv.name == name)
        transform = model.rvs_to_transforms[rv]
        given = np.asarray(value if vector else value[0], dtype=float)
        unconstrained = given if transform is None else transform.forward(given, *rv.owner.inputs).eval()
        point[model.rvs_to_values[rv].name] = unconstrained

    parts: Any = (
        (design.columns, lambda c: c.label, ""),
        *((factor.effects, factor.sd, f"|{factor.name}_sigma") for factor in design.factors),
    )
    for columns, name_of, suffix in parts:
        for term in dict.fromkeys(c.term for c in columns):
            own = [c for c in columns if c.term == term]
            given = [by_name[name_of(c)] for c in own]
            if not suffix and "basis_offset" in point:
                continue
            if f"{term}{suffix}" in {rv.name for rv in model.free_RVs}:
                put(f"{term}{suffix}", given, own[0].index is not None)
                continue
            for column, value in zip(own, given, strict=True):
                place, name = columns.index(column), suffix.removesuffix("_sigma").removeprefix("|")
                put(f"{name}_{place}_sd_offset" if suffix else f"coefficient_{place}_offset", [value], False)
    if "sigma" in by_name:
        put("sigma", [by_name["sigma"]], False)
    for factor in design.factors:
        if factor.nu in by_name:
            put(factor.names.degrees, [by_name[factor.nu]], False)
    pairs = iter(partials(parameters, values))
    for factor, unit in zip(design.factors, z, strict=True):
        for block in factor.blocks:
            for k, i in enumerate(block):
                for j in block[:k]:
                    put(f"{factor.name}_{i}_{j}_partial_offset", [(next(pairs) + 1) / 2], False)
        for i, effect in enumerate(factor.effects):
            own_name = f"{factor.name}_{i}_z_offset"
            written = factor.blocks or factor.nu in by_name
            put(own_name if written else f"{factor.variable(effect)}_offset", unit[:, i], True)
    return point


def log_jacobian(parameters: Any, values: Any, slopes: Any) -> float:
    """What PyMC's log transforms lack of our curves: the log of d log sd / dx."""
    curved = parameters.codes[:, 0] == codes.CURVE
    return float(np.log(slopes[curved] / values[curved]).sum())


def partials(parameters: Any, values: Any) -> list[float]:
    """The canonical partial correlations among values of the parameters."""
    named = zip(parameters.names, values, strict=True)
    return [value for name, value in named if name.startswith("partial")]


def cholesky_factors(design: Any, parameters: Any, values: Any, slopes: Any) -> list[np.ndarray]:
    """L of each factor, G = L L'."""
    p, q = len(design.columns), sum(len(factor.effects) for factor in design.factors)
    own, C = slice(p + q, p + q + len(parameters.pairs)), np.empty((q, q))
    covariances.correlation_cholesky(values[own], slopes[own], parameters.pairs, C, np.empty(len(values)))
    L, ends = values[p : p + q, None] * C, np.cumsum([len(factor.effects) for factor in design.factors])
    return [
        L[end - len(f.effects) : end, end - len(f.effects) : end] for f, end in zip(design.factors, ends, strict=True)
    ]


def stacked(values: xr.Dataset) -> pd.Series:
    """Every entry of every variable, by name and place."""
    entries = {f"{name}[{i}]": x for name, variable in values.items() for i, x in enumerate(np.ravel(variable))}
    return pd.Series(entries)


def distance_in_errors(one: xr.Dataset, other: xr.Dataset) -> pd.Series:
    """Differences of means in units of their combined Monte Carlo standard error."""
    errors = [stacked(arviz_stats.mcse(draws, method="mean")) for draws in (one, other)]
    means = [stacked(draws.mean(("chain", "draw"))) for draws in (one, other)]
    found: pd.Series = abs(means[0] - means[1]) / np.hypot(errors[0], errors[1])
    return found


def check_same_posterior(
    text: str, data: pd.DataFrame, family: str, priors: dict[str, str], engine: str, **given: str
) -> None:
    """Means within four Monte Carlo standard errors and sds within 10 %, for everything that both engines draw."""
    options: dict[str, Any] = {
        **given,
        "priors": priors,
        "family": family,
        "random_seed": 4,
        "draws": 2000,
        "target_accept": 0.95,
    }
    chosen: dict[str, Any] = {"engine": engine}
    fast = hierkit.fit(text, data, progressbar=False, **options, **chosen)
    assert fast.checks().need_action == ()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SamplingWarning)
        slow = hierkit.fit(text, data, engine="pymc", progressbar=False, **options)
    one, other = (fit.draws["posterior"].to_dataset() for fit in (fast, slow))
    assert {k: v.dims for k, v in one.items()} == {k: v.dims for k, v in other.items()}
    for name in other:
        assert all(one[name].coords[c].equals(other[name].coords[c]) for c in other[name].coords), name
    far = distance_in_errors(varying(one), varying(other))
    # of hundreds of quantities, one in ten thousand lies beyond four standard errors by chance
    assert (far > 4).sum() <= 1
    assert far.max() < 5
    sds = [stacked(varying(draws).std(("chain", "draw"))) for draws in (one, other)]
    errors = [stacked(arviz_stats.mcse(varying(draws), method="sd")) for draws in (one, other)]
    # 10 %, and where the sd itself is known less well than that, four of its own standard errors
    wrong = abs(sds[0] - sds[1]) > np.maximum(0.1 * sds[1], 4 * np.hypot(errors[0], errors[1]))
    assert not wrong.any(), pd.DataFrame({"ours": sds[0], "theirs": sds[1]})[wrong]
