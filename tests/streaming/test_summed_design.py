"""A design of points is the design of all rows: the same priors, the same density, the same quantities."""

import re
from typing import Any

import numpy as np
import pandas as pd
import pytest
from synthetic import design_of, synthetic_draws, synthetic_fit

import hierkit
from hierkit.errors import HierkitError
from hierkit.model.basis import make_basis
from hierkit.model.design import Design
from hierkit.model.formula import parse
from hierkit.model.matrices import fitted_matrices
from hierkit.model.priors import make_priors
from hierkit.posterior.posterior import Posterior
from hierkit.sampling.engines import choose
from hierkit.sampling.joint.engine import make_model as joint_model
from hierkit.sampling.joint.products import Sums
from hierkit.sampling.kernels.layout import make_layout
from hierkit.sampling.marginal.engine import log_posterior_of as marginal_density
from hierkit.sampling.marginal.engine import make_model as marginal_model
from hierkit.sources.chunks import chunks_of
from hierkit.streaming import survey
from hierkit.streaming.summed_design import make_summed_design

FORMULAS = [
    "y ~ x + (x | g)",
    "y ~ x * h + I(x^2) + (x | g)",
    "y ~ x + h + (x || g) + (1 | s)",
    "y ~ x + (0 + h | g)",
    "y ~ 0 + x + (0 + x | g)",
    "y ~ factor(k) + log(w) + offset(x / 7) + (1 | g:s)",
    "log(y) ~ x * w + (1 | g)",
    "y ~ b + (b | g)",
    "y ~ x",
]


def table(n: int = 3000, mean: float = 50.0) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    g = rng.integers(0, 20, n)
    x = rng.normal(3, 2, n)
    return pd.DataFrame(
        {
            "y": mean + rng.normal(size=20)[g] + x + rng.normal(size=n),
            "x": x,
            "w": rng.uniform(1, 2, n),
            "h": rng.choice(["low", "mid", "top"], n),
            "k": rng.integers(1, 4, n),
            "b": rng.choice([True, False], n),
            "g": g * 10,
            "s": rng.choice(["N", "S", "E"], n),
        }
    )


def summed(formula: str, data: pd.DataFrame, rows: int = 700) -> Design:
    parsed = parse(formula)
    return make_summed_design(parsed, chunks_of(data, parsed.columns, rows), "drop")


@pytest.fixture(autouse=True)
def small_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(survey, "SAMPLE", 500)


@pytest.mark.parametrize("formula", FORMULAS)
def test_priors_and_centres_are_those_of_all_rows(formula: str) -> None:
    found, whole = summed(formula, table()), design_of(formula, table())
    assert found.rows.used == len(table())
    assert [column.label for column in found.columns] == [column.label for column in whole.columns]
    np.testing.assert_allclose(found.column_means, whole.column_means, rtol=1e-8, atol=1e-12)
    ours, theirs = make_priors(found), make_priors(whole)
    assert list(ours) == list(theirs)
    for name, prior in theirs.items():
        # products of centred numbers are of fourth order, which a sample has nearly
        rtol = 0.1 if "x:w" in name else 1e-6
        np.testing.assert_allclose([*ours[name].args.values()], [*prior.args.values()], rtol=rtol, atol=1e-12)
    for own, other in zip(found.factors, whole.factors, strict=True):
        np.testing.assert_allclose(own.T, other.T, atol=1e-9)
        assert own.levels.tolist() == other.levels.tolist()
        assert found.sizes(own).tolist() == whole.sizes(other).tolist()


@pytest.mark.parametrize("mean", [50.0, 1e6])
@pytest.mark.parametrize("formula", [formula for formula in FORMULAS if not formula.startswith("log")])
def test_the_density_is_that_of_all_rows(formula: str, mean: float) -> None:
    """Differences between points, in one basis: constants and the basis of coefficients are free."""
    found, whole = summed(formula, table(mean=mean)), design_of(formula, table(mean=mean))
    priors = make_priors(whole)
    basis, layout = make_basis(whole, priors), make_layout(whole.factors)
    inverse = basis.inverse
    of_points = basis._replace(X=(found.X - whole.column_means) @ inverse)
    ours = marginal_density(marginal_model(found, priors, of_points, layout)[0])
    model, _ = marginal_model(whole, priors, basis, layout)
    theirs = marginal_density(model)
    points = np.random.default_rng(1).normal(0, 0.3, (4, model.n_parameters))
    values = np.array([[density(point)[0] for point in points] for density in (ours, theirs)])
    np.testing.assert_allclose(np.diff(values[0]), np.diff(values[1]), rtol=1e-9, atol=1e-6)
    for point in points:
        np.testing.assert_allclose(ours(point)[1], theirs(point)[1], rtol=1e-8, atol=1e-6)


def test_the_joint_engine_counts_rows_not_points() -> None:
    formula = "y ~ x + (x | g) + (1 | s)"
    found, whole = summed(formula, table()), design_of(formula, table())
    priors = make_priors(whole)
    ours, theirs = joint_model(found, priors), joint_model(whole, priors)
    # both searches for a pilot end where little changes
    np.testing.assert_allclose(ours.start, theirs.start, rtol=1e-3, atol=1e-3)
    assert isinstance(ours.rows, Sums)
    assert isinstance(theirs.rows, Sums)
    np.testing.assert_allclose(ours.rows.totals, theirs.rows.totals, rtol=1e-9)


@pytest.mark.parametrize("rows", [1, 64, 3000])
def test_chunks_and_order_change_nothing(rows: int) -> None:
    data = table(300 if rows == 1 else 3000)
    formula = "y ~ x + h + (x | g)"
    found, whole = summed(formula, data, rows), summed(formula, data, 2**20)
    np.testing.assert_array_equal(found.X, whole.X)
    np.testing.assert_array_equal(found.outcome.y, whole.outcome.y)
    shuffled = summed(formula, data.sample(frac=1, random_state=1), rows)
    np.testing.assert_allclose(np.sort(shuffled.outcome.y), np.sort(whole.outcome.y), rtol=1e-12)


def fits(formula: str) -> tuple[hierkit.Fit, hierkit.Fit]:
    """The same draws with all rows, and with points in their place."""
    whole = synthetic_fit(formula, table())
    found = summed(formula, table())
    return whole, hierkit.Fit(whole.formula, found, make_priors(found), whole.draws)


EXACT: dict[str, tuple[Any, ...]] = {
    "coefficients": (),
    "variance_components": (),
    "icc": (),
    "design_effect": (),
    "r_squared": (),
    "shrinkage": (),
    "pooling_factors": (),
    "compare_pooling": (),
    "marginal_coefficients": (),
    "blup_qq": (),
    "group_effects": (),
    "ranks": ("g", "x"),
    "prior_sensitivity": (),
    "prior_and_posterior": (),
    "response_curve": ("x",),
    "contrast": ("x - 1",),
    "probability": ("x > 0",),
    "classical": (),
    "predict": (table(40),),
}


@pytest.mark.parametrize("name", EXACT)
def test_quantities_are_those_of_all_rows(name: str) -> None:
    whole, found = fits("y ~ x + h + (x | g)")
    ours, theirs = (getattr(fit, name)(*EXACT[name]).table() for fit in (found, whole))
    assert list(ours) == list(theirs)
    for column in theirs:
        if theirs[column].dtype.kind in "if":
            np.testing.assert_allclose(ours[column], theirs[column], rtol=1e-5, atol=1e-7, err_msg=str(column))
        else:
            assert ours[column].tolist() == theirs[column].tolist()


@pytest.mark.parametrize(
    ("formula", "options"),
    [
        ("y ~ x + (x | g)", {}),
        ("y ~ x * h + (x | g)", {"by": "g"}),
        ("y ~ x * h + (1 | g)", {"kind": "typical"}),
        ("y ~ x + I(x^2) + (x + I(x^2) | g)", {}),
        ("y ~ x * w + (x | g) + (w | s)", {"factor": "s"}),
        ("y ~ h + (h | g)", {}),
    ],
)
def test_average_slopes_are_those_of_all_rows(formula: str, options: Any) -> None:
    """Each group's rows count, whether or not the sample has some: the change is linear in what is summed."""
    whole, found = fits(formula)
    variable = "x" if "x" in formula else "h"
    ours, theirs = (fit.slopes(variable, **options) for fit in (found, whole))
    assert "sample" not in ours.definition
    for column in ("estimate", "sd"):
        np.testing.assert_allclose(ours.table()[column], theirs.table()[column], rtol=1e-4, atol=1e-5)
    if "groups" in theirs.draws:
        np.testing.assert_allclose(ours.draws["groups"], theirs.draws["groups"], rtol=1e-3, atol=1e-4)


def test_what_the_sample_decides_says_so() -> None:
    whole, found = fits("y ~ log(w) + h + (1 | g)")
    said = r"a sample of \d\d\d of 3,000, weighted"
    for quantity in (found.slopes("w"), found.slopes("w", by="h")):
        assert re.search(said, quantity.definition)
    ours, theirs = (fit.slopes("w", kind="typical").table().estimate[0] for fit in (found, whole))
    assert ours == pytest.approx(theirs, rel=0.01)
    assert "sample" not in whole.slopes("w").definition


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("loo", r"loo\(\)"),
        ("logo", r"logo\(\)"),
        ("calibration", r"calibration\(\)"),
        ("prior_predictive", "prior_pred"),
    ],
)
def test_what_needs_each_row_says_so(name: str, words: str) -> None:
    _, found = fits("y ~ x + h + (x | g)")
    with pytest.raises(HierkitError, match=rf"{words}.* needs each row, and of these 3,000 rows only sums are kept"):
        getattr(found, name)()


def test_a_predictive_check_is_of_the_means_of_all_groups() -> None:
    data = table().assign(g=np.arange(3000) % 250)
    whole = synthetic_fit("y ~ x + (1 | g)", data, chains=4, draws=250)
    found = hierkit.Fit(whole.formula, summed("y ~ x + (1 | g)", data), whole.priors, whole.draws)
    for groups in ("known", "new"):
        ours, theirs = (fit.predictive_check(groups).table() for fit in (found, whole))
        assert ours.observed[0] == pytest.approx(theirs.observed[0], rel=1e-9)
        # a standard error of the mean of a thousand replicates each
        assert abs(ours.estimate[0] - theirs.estimate[0]) < 5 * theirs.sd[0] * np.sqrt(2 / 1000)
        assert ours.sd[0] == pytest.approx(theirs.sd[0], rel=0.2)


def test_priors_that_need_each_row_are_refused() -> None:
    found = summed("y ~ x + (1 | g)", table())
    with pytest.raises(HierkitError, match=r"Of 3,000 rows only sums are kept, and prior HalfNormal on x needs PyMC"):
        choose("auto", found, make_priors(found, {"x": "HalfNormal(1)"}))
    assert choose("auto", found, make_priors(found, {"x": "StudentT(3, 0, 1)"})).engine == "joint"
    with pytest.raises(HierkitError, match="does not fit the model: only sums"):
        choose("pymc", found, make_priors(found))


def test_interactions_of_rare_labels_are_kept() -> None:
    data = table().assign(h=lambda rows: rows.h.where(rows.index % 300 != 7, "rare"))
    found, whole = summed("y ~ x * h + (1 | g)", data), design_of("y ~ x * h + (1 | g)", data)
    assert [column.label for column in found.columns] == [column.label for column in whole.columns]
    assert not found.dropped


def test_coded_numbers_of_many_values_are_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(survey, "MOST_COMBINATIONS", 500)
    for term in ("cut(x, c(-100, 2, 4, 100))", "C(ifelse(x > 3, 'p', 'q'), Sum)"):
        found, whole = summed(f"y ~ {term} + (1 | g)", table()), design_of(f"y ~ {term} + (1 | g)", table())
        np.testing.assert_allclose(found.column_means, whole.column_means, atol=1e-9)


def test_findings_and_sizes_are_of_all_rows() -> None:
    data = table().assign(h="low").assign(h=lambda rows: rows.h.where(rows.index != 2000, "top"))
    _, found = fits("y ~ x + h + (x | g)")
    assert "3,000 of 3,000 used" in str(found.summary())
    assert summed("y ~ h + (1 | g)", data).columns[1].label == "h[top]"


def test_groups_that_the_sample_lacks_are_known() -> None:
    data = table().assign(g=np.arange(3000) // 2)
    found = summed("y ~ x + (1 | g)", data)
    posterior = Posterior(synthetic_draws(found), found)
    new = data.iloc[[1, 2, 2999]]
    from hierkit.prediction.predict import predict

    expected = posterior.draws.u[0][:, [0, 1, 1499], 0]
    means = predict(posterior, new, random_seed=1).draws["mean"].values.reshape(-1, 3)
    typical = predict(posterior, new, "typical", random_seed=1).draws["mean"].values.reshape(-1, 3)
    np.testing.assert_allclose(means - typical, expected, atol=1e-9)
    assert fitted_matrices(found).X.shape[0] == 3 * 1500


def test_a_value_far_beyond_the_sample_is_summed_all_the_same() -> None:
    data = table()
    # the square of neither the smallest nor the largest
    data.loc[1501, "x"] = 1e-9
    found, whole = summed("y ~ I(1 / x^2) + (1 | g)", data), design_of("y ~ I(1 / x^2) + (1 | g)", data)
    np.testing.assert_allclose(found.column_means, whole.column_means, rtol=1e-9)


def test_terms_that_are_not_finite_in_a_later_row_are_refused() -> None:
    data = table()
    data.loc[2001, "x"] = 0.0
    with pytest.raises(HierkitError, match="is not finite"):
        summed("y ~ I(1 / x) + (1 | g)", data)


def test_sums_that_take_too_much_memory_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hierkit.streaming.summing.MOST_BYTES", 10_000)
    with pytest.raises(HierkitError, match=r"The sums of 2 columns in 60 cells of groups take .* GB.*a sample of the"):
        summed("y ~ x + (1 | g) + (1 | s)", table())
