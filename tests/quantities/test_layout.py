"""No quantity depends on how the same data and the same draws are laid out.

Each test writes one model's draws for two layouts of its data: counts or rows, 0 and 1 or labels, other orders, other
units, another reference level. What each quantity says must be the same.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.special import gammaln
from synthetic import design_of

from hierkit.checks.data import data_findings
from hierkit.classical.classical import classical
from hierkit.classical.compare_pooling import compare_pooling
from hierkit.model.design import Design
from hierkit.posterior.posterior import Posterior
from hierkit.posterior.quantity import Quantity
from hierkit.prediction.predict import predict
from hierkit.quantities.blup_qq import blup_qq
from hierkit.quantities.break_even_size import break_even_size
from hierkit.quantities.coefficients import coefficients
from hierkit.quantities.design_effect import design_effect
from hierkit.quantities.group_effects import group_effects
from hierkit.quantities.icc import icc
from hierkit.quantities.marginal_coefficients import marginal_coefficients
from hierkit.quantities.pooling_factors import pooling_factors
from hierkit.quantities.r_squared import r_squared
from hierkit.quantities.ranks import ranks
from hierkit.quantities.response_curve import response_curve
from hierkit.quantities.shrinkage import shrinkage
from hierkit.quantities.slopes import slopes
from hierkit.quantities.variance_components import variance_components
from hierkit.sampling.draws import assemble
from hierkit.validation.leave_out import logo

SAMPLES = 60


def data(seed: int = 0) -> pd.DataFrame:
    """Twelve groups of some cells each; t is 0 or 1, h has three levels, in the cells `n` trials with `s` successes."""
    rng = np.random.default_rng(seed)
    g = np.repeat(np.arange(12), rng.integers(3, 9, 12))
    size = len(g)
    table = pd.DataFrame(
        {"g": [f"g{i:02d}" for i in g], "x": rng.normal(size=size).round(2), "z": rng.normal(size=size)}
    )
    table["t"], table["h"] = rng.integers(0, 2, size), rng.choice(["p", "q", "r"], size)
    table["n"] = rng.integers(1, 30, size)
    eta = -0.5 + 0.8 * table.x + 0.6 * table.t + rng.normal(0, 0.8, 12)[g]
    table["s"] = rng.binomial(table.n, 1 / (1 + np.exp(-eta)))
    return table.assign(e=(rng.random(size) < 1 / (1 + np.exp(-eta))).astype(int), y=eta + rng.normal(size=size))


def drawn(design: Design, like: tuple[Design, dict[str, Any]] | None = None) -> tuple[Posterior, dict[str, Any]]:
    """Random draws of a design; or those of another one of the same rows and column space, written for this one."""
    rng = np.random.default_rng(1)
    factor = design.factors[0]
    if like is None:
        q = len(factor.effects)
        roots = rng.normal(0, 0.4, (SAMPLES, q, q)) + 0.8 * np.eye(q)
        arrays = {
            "beta": rng.normal(0, 0.5, (SAMPLES, len(design.columns))),
            "G": roots @ np.swapaxes(roots, 1, 2),
            "u": rng.normal(0, 0.8, (SAMPLES, len(factor.levels), q)),
            "sigma": rng.gamma(20, 0.05, SAMPLES),
        }
    else:
        first, given = like
        common = np.linalg.lstsq(design.X, first.X)[0]
        own = np.linalg.lstsq(factor.Z, first.factors[0].Z)[0]
        np.testing.assert_allclose(design.X @ common, first.X, atol=1e-9)
        arrays = given | {
            "beta": given["beta"] @ common.T,
            "u": given["u"] @ own.T,
            "G": own @ given["G"] @ own.T,
        }
    sigma = arrays["sigma"] if design.family.has_residual else None
    return Posterior(assemble(design, 2, arrays["beta"], arrays["G"], [arrays["u"]], sigma), design), arrays


ABOUT_GROUPS: dict[str, Callable[[Posterior], Quantity]] = {
    "icc": icc,
    "icc along x": lambda p: icc(p, "x"),
    "r_squared": r_squared,
    "design_effect": design_effect,
    "slopes of x": lambda p: slopes(p, "x"),
    "slopes of x, typical": lambda p: slopes(p, "x", "typical"),
    "slopes of x, marginal": lambda p: slopes(p, "x", "marginal"),
    "slopes of x, link": lambda p: slopes(p, "x", "marginal", scale="link"),
    "slopes of t": lambda p: slopes(p, "t"),
    "slopes of t, marginal": lambda p: slopes(p, "t", "marginal"),
    "response_curve": lambda p: response_curve(p, "x"),
    "ranks": ranks,
    "break_even_size": break_even_size,
    "pooling_factors": pooling_factors,
    "shrinkage": shrinkage,
    "spread": lambda p: shrinkage(p, kind="spread"),
    "blup_qq": blup_qq,
    "variance_components": variance_components,
    "group_effects": group_effects,
}
ABOUT_COLUMNS: dict[str, Callable[[Posterior], Quantity]] = {
    "coefficients": coefficients,
    "marginal_coefficients": marginal_coefficients,
    "marginal_coefficients, logit": lambda p: marginal_coefficients(p, "logit"),
    "compare_pooling": compare_pooling,
    "classical": classical,
}
EVERYTHING = ABOUT_GROUPS | ABOUT_COLUMNS


def without_convergence(table: pd.DataFrame) -> pd.DataFrame:
    """Ranks of draws change with their last digits."""
    return table.drop(columns=["r_hat", "ess_bulk", "ess_tail"], errors="ignore")


def numbers(quantity: Quantity) -> pd.DataFrame:
    """A quantity's table with labels as text, 0 and 1 for the levels of t, and rows in the order of labels."""
    table = without_convergence(quantity.table())
    labels = [name for name in table.columns if not pd.api.types.is_float_dtype(table[name])]
    for name in labels:
        text = table[name].astype(str)
        table[name] = text.str.replace(r"t\[(True|yes|1)\]", "t", regex=True).str.replace("yes - no", "1 - 0")
        table[name] = table[name].str.replace("True - False", "1 - 0").str.replace("z:x", "x:z")
    return table.sort_values(labels, kind="stable").reset_index(drop=True)


def check_same(one: Posterior, other: Posterior, quantities: dict[str, Any], scale: float = 1.0) -> None:
    for name, make in quantities.items():
        first, second = numbers(make(one)), numbers(make(other))
        assert first.shape == second.shape, name
        for column in first:
            if pd.api.types.is_float_dtype(first[column]):
                np.testing.assert_allclose(
                    second[column] * scale, first[column], rtol=2e-5, atol=1e-7, err_msg=f"{name}: {column}"
                )
            else:
                assert first[column].tolist() == second[column].tolist(), f"{name}: {column}"


BERNOULLI = "~ x + t + (x | g)"
MODELS = [("y", "gaussian"), ("e", "bernoulli"), ("p(s, n)", "bernoulli")]


def one_row_for_each_trial(table: pd.DataFrame) -> pd.DataFrame:
    rows = table.loc[table.index.repeat(table.n)]
    success = rows.groupby(level=0).cumcount() < rows.s
    return rows.assign(e=success.astype(int)).reset_index(drop=True)


@pytest.mark.filterwarnings("ignore:Pareto k above")
@pytest.mark.parametrize(
    "right", ["x + t + (x | g)", "x * t + (1 | g)", "x + h + (t + x | g)", "0 + h + x + t + (x || g)"]
)
def test_counts_are_their_trials(right: Any) -> None:
    table = data()
    counts = design_of(f"p(s, n) ~ {right}", table, "bernoulli")
    rows = design_of(f"e ~ {right}", one_row_for_each_trial(table), "bernoulli")
    one, arrays = drawn(counts)
    other = Posterior(assemble(rows, 2, arrays["beta"], arrays["G"], [arrays["u"]], None), rows)
    check_same(one, other, EVERYTHING)
    scores = [logo(posterior).draws["elpd"].values for posterior in (one, other)]
    trials = table.groupby("g")[["n", "s"]]
    orders = trials.apply(lambda cells: log_orders(cells.n, cells.s)).to_numpy()
    np.testing.assert_allclose(scores[0], scores[1] + orders, rtol=1e-6)
    assert [str(f) for f in data_findings(counts)] == [
        str(f).replace("e is", "p(s, n) is") for f in data_findings(rows)
    ]


def log_orders(n: Any, s: Any) -> float:
    return float((gammaln(n + 1) - gammaln(s + 1) - gammaln(n - s + 1)).sum())


@pytest.mark.parametrize(("outcome", "family"), MODELS)
@pytest.mark.parametrize(
    "spelled",
    [
        lambda t: t.astype(float),
        lambda t: t.astype(bool),
        lambda t: t.map({0: "no", 1: "yes"}),
        lambda t: pd.Categorical(t.map({0: "no", 1: "yes"}), categories=["no", "yes"]),
        lambda t: pd.Categorical(t),
    ],
    ids=["float", "boolean", "text", "category", "category of numbers"],
)
@pytest.mark.parametrize("right", ["x + t + (x | g)", "x * t + (t | g)"])
def test_zero_and_one_are_two_labels(outcome: Any, family: Any, spelled: Any, right: Any) -> None:
    table = data()
    text = f"{outcome} ~ {right}"
    first, second = (design_of(text, rows, family) for rows in (table, table.assign(t=spelled(table.t))))
    one, arrays = drawn(first)
    check_same(one, drawn(second, (first, arrays))[0], EVERYTHING)


@pytest.mark.parametrize(("outcome", "family"), MODELS)
def test_order_of_rows_and_columns(outcome: Any, family: Any) -> None:
    table = data()
    shuffled = table.sample(frac=1, random_state=1)[sorted(table.columns, reverse=True)]
    first, second = (design_of(f"{outcome} ~ x * h + t + (x | g)", rows, family) for rows in (table, shuffled))
    one, arrays = drawn(first)
    other = assemble(second, 2, arrays["beta"], arrays["G"], [arrays["u"]], arrays.get("sigma"))
    check_same(one, Posterior(other, second), EVERYTHING)


@pytest.mark.parametrize(("outcome", "family"), MODELS)
def test_order_of_the_parts_of_an_interaction(outcome: Any, family: Any) -> None:
    table = data()
    first = design_of(f"{outcome} ~ x * z + t + (x * z | g)", table, family)
    one, arrays = drawn(first)
    for right in ("z * x + t + (x * z | g)", "x * z + t + (z * x | g)", "x * z + z * x + t + (x * z | g)"):
        second = design_of(f"{outcome} ~ {right}", table, family)
        wanted = {name: make for name, make in EVERYTHING.items() if name not in ("classical", "ranks")}
        wanted.pop("variance_components") if "z * x | g" in right else None
        check_same(one, drawn(second, (first, arrays))[0], wanted)


@pytest.mark.parametrize(("outcome", "family"), MODELS)
@pytest.mark.parametrize(
    "labels", [lambda g: g.str[1:].astype(int), lambda g: pd.Categorical(g), lambda g: "team " + g.str[1:]]
)
def test_groups_by_another_name(outcome: Any, family: Any, labels: Any) -> None:
    table = data()
    first, second = (
        design_of(f"{outcome} ~ x + t + (x | g)", rows, family) for rows in (table, table.assign(g=labels(table.g)))
    )
    one, arrays = drawn(first)
    other = drawn(second, (first, arrays))[0]
    for name, make in EVERYTHING.items():
        pairs = [without_convergence(make(posterior).table()) for posterior in (one, other)]
        values = [table.select_dtypes("number").drop(columns="group", errors="ignore").to_numpy() for table in pairs]
        np.testing.assert_allclose(values[1], values[0], rtol=1e-6, atol=1e-9, err_msg=name)


@pytest.mark.parametrize(("outcome", "family"), MODELS)
def test_another_reference_level(outcome: Any, family: Any) -> None:
    """What does not speak of the levels' coefficients is the same, whatever level the others are compared with."""
    table = data()
    moved = table.assign(h=pd.Categorical(table.h, categories=["r", "p", "q"]))
    first, second = (design_of(f"{outcome} ~ x * h + t + (x | g)", rows, family) for rows in (table, moved))
    one, arrays = drawn(first)
    other = drawn(second, (first, arrays))[0]
    levels = ("group_effects",)  # the groups' own slopes are for the reference level
    check_same(one, other, {name: make for name, make in ABOUT_GROUPS.items() if name not in levels})
    rows = table.head(7)
    for groups in ("known", "typical", "marginal"):
        check_same(one, other, {groups: lambda p, groups=groups: predict(p, rows, groups)})


def of_units(posterior: Posterior) -> Iterator[tuple[str, np.ndarray]]:
    """Numbers without a unit."""
    for name in ("icc", "r_squared", "design_effect", "ranks", "pooling_factors", "break_even_size"):
        table = ABOUT_GROUPS[name](posterior).table()
        yield name, table.select_dtypes("float").to_numpy()
    yield "overall", shrinkage(posterior).draws["overall"].values
    yield "standardised", blup_qq(posterior).draws[["standardised", "distance"]].to_array().values


@pytest.mark.parametrize(("outcome", "family"), MODELS)
@pytest.mark.parametrize(("unit", "zero"), [(1000.0, 0.0), (1e-3, 0.0), (1.0, 50.0)])
def test_units_and_zero_of_x(outcome: Any, family: Any, unit: Any, zero: Any) -> None:
    table = data()
    moved = table.assign(x=table.x * unit + zero)
    first, second = (design_of(f"{outcome} ~ x + t + (x | g)", rows, family) for rows in (table, moved))
    one, arrays = drawn(first)
    other = drawn(second, (first, arrays))[0]
    at_zero = ("ranks", "pooling_factors", "break_even_size", "overall", "standardised")  # of the intercept at x = 0
    for (name, found), (_, again) in zip(of_units(one), of_units(other), strict=True):
        if not (zero and name in at_zero):
            np.testing.assert_allclose(again, found, rtol=1e-5, atol=1e-8, err_msg=name)
    for kind in ("conditional", "typical", "marginal"):
        pairs = [slopes(posterior, "x", kind).draws["average"].values for posterior in (one, other)]
        np.testing.assert_allclose(pairs[1] * unit, pairs[0], rtol=1e-5)


def test_units_and_zero_of_y() -> None:
    table = data()
    first, second = (design_of("y ~ x + t + (x | g)", t) for t in (table, table.assign(y=100 * table.y - 7000)))
    one, arrays = drawn(first)
    beta = 100 * arrays["beta"] + np.array([-7000.0, 0.0, 0.0])
    scaled = assemble(second, 2, beta, 1e4 * arrays["G"], [100 * arrays["u"]], 100 * arrays["sigma"])
    other = Posterior(scaled, second)
    for (name, found), (_, again) in zip(of_units(one), of_units(other), strict=True):
        np.testing.assert_allclose(again, found, rtol=1e-6, atol=1e-8, err_msg=name)
    for variable in ("x", "t"):
        pairs = [slopes(posterior, variable).draws["average"].values for posterior in (one, other)]
        np.testing.assert_allclose(pairs[1], 100 * pairs[0], rtol=1e-6)
    deviations = [group_effects(posterior).draws["deviation"].values for posterior in (one, other)]
    np.testing.assert_allclose(deviations[1], 100 * deviations[0])
