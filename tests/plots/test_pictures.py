"""Every quantity has a picture, for few groups and for thousands, whatever names hold."""

import importlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure
from synthetic import frequencies, many_groups, synthetic_fit, table

import hierkit.plots
from hierkit.errors import HierkitError
from hierkit.plots.canvas import paper, shorten
from hierkit.plots.export import to_svg

EVIL = ["<script>alert(1)</script>", "$\\frac{1}{0}$", "‮right to left", "x" * 300, "quotes \" and ' ", "a_b^c{", "ok"]
MODULES = {path.stem for path in Path(hierkit.plots.__file__).parent.glob("*.py")} - {
    "__init__",
    "bins",
    "canvas",
    "settings",
    "export",
    "sampling",
}


def quantities(fit: Any, x: Any, factor: Any) -> Any:
    yield fit.coefficients()
    yield fit.variance_components()
    yield fit.prior_and_posterior()
    yield fit.group_effects(factor)
    yield fit.shrinkage(factor)
    yield fit.compare_pooling(factor)
    yield fit.blup_qq(factor)
    yield fit.ranks(factor)
    yield fit.design_effect(factor)
    yield fit.icc()
    yield fit.predictive_check()
    yield fit.prior_sensitivity()
    yield fit.pooling_factors(factor)
    if x is not None:
        yield fit.icc(along=x)
        yield fit.slopes(x)
        yield fit.response_curve(x, factor)
        yield fit.predict(fit.design.rows.frame.head(3))


@pytest.mark.parametrize(
    ("text", "data", "family", "x", "factor"),
    [
        ("y ~ x + (x | g)", many_groups(3), "gaussian", "x", "g"),
        ("y ~ x + (x | g)", many_groups(300), "gaussian", "x", "g"),
        ("won ~ x + (1 | g) + (1 | s)", table(80), "bernoulli", "x", "g"),
        ("y ~ 1 + (1 | s/g)", table(80), "gaussian", None, "s:g"),
    ],
)
def test_every_quantity_is_drawn(text: Any, data: Any, family: Any, x: Any, factor: Any) -> None:
    fit = synthetic_fit(text, data, family, draws=30)
    for quantity in quantities(fit, x, factor):
        figure = quantity.plot()
        assert isinstance(figure, Figure)
        figure.draw_without_rendering()
        assert all(axes.get_xlabel() for axes in figure.axes if axes.get_visible() and axes.has_data()), (
            quantity.picture
        )


def test_classical_methods_models_and_pareto_k_are_drawn() -> None:
    fit = synthetic_fit("y ~ x + (1 | g)", table(80), draws=100)
    with pytest.warns(hierkit.HierkitWarning):
        loo = fit.loo()
    for quantity in (fit.classical(), loo, hierkit.compare({"a": loo, "b": loo})):
        quantity.plot().draw_without_rendering()


def test_a_group_without_trials_is_drawn() -> None:
    data = table(80).assign(tries=lambda t: t.tries.where(t.g != t.g.iloc[0], 0))
    data["hits"] = data[["hits", "tries"]].min(axis=1)
    fit = synthetic_fit("p(hits, tries) ~ 1 + (1 | g)", data, "bernoulli", draws=30)
    for quantity in (fit.shrinkage(), fit.compare_pooling(), fit.design_effect()):
        quantity.plot().draw_without_rendering()
    own_estimates = fit.compare_pooling().plot().axes[1].lines[0]
    assert np.isfinite(np.asarray(own_estimates.get_ydata(), dtype=float)).sum() == 5  # of six groups
    shares = fit.shrinkage().plot().axes[1]
    n, kept = (np.asarray(values, dtype=float) for values in shares.lines[0].get_data())
    assert shares.get_xlim()[0] < 0  # the group without trials is at 0, which a logarithm has no place for
    np.testing.assert_allclose(kept[n == 0], [0])


def test_names_are_shown_as_they_are() -> None:
    data = table(70).rename(columns={"x": "x <b>$1$</b>", "g": "group \"&'"})
    data["group \"&'"] = np.array(EVIL)[np.arange(70) % 7]
    fit = synthetic_fit("y ~ `x <b>$1$</b>` + (1 | `group \"&'`)", data, draws=30)
    for quantity in quantities(fit, "x <b>$1$</b>", None):
        quantity.plot().draw_without_rendering()
    ticks = {tick.get_text() for tick in fit.group_effects().plot().axes[0].get_yticklabels()}
    assert ticks == {shorten(name) for name in EVIL}


def test_every_picture_that_is_named_exists() -> None:
    fit = synthetic_fit("y ~ x + (x | g)", table(80), draws=30)
    named = {quantity.picture for quantity in quantities(fit, "x", "g")}
    assert named | {"calibration", "estimates", "pareto", "probabilities", "study"} == MODULES
    assert all(callable(importlib.import_module(f"hierkit.plots.{name}").draw) for name in MODULES)


def test_arviz_draws_traces_and_replicates() -> None:
    fit = synthetic_fit("y ~ x + h + (x | g)", table(80), chains=4, draws=100)
    for figure in (fit.plot_trace(), fit.plot_replicates()):
        assert isinstance(figure, Figure)
        assert figure.axes


def test_events_are_compared_with_their_probabilities() -> None:
    """Distributions of 0 and 1 show nothing; those of counts do."""
    cells, rows = frequencies()
    labels = []
    for formula, data, weights in (
        ("won ~ x + (1 | g)", rows, None),
        ("won ~ x + (1 | g)", cells, "n"),
        ("p(hits, tries) ~ x + (1 | g)", table(60), None),
    ):
        figure = synthetic_fit(formula, data, "bernoulli", weights=weights).plot_replicates()
        labels.append(figure.axes[0].get_ylabel())
    assert labels == ["share of events", "share of events", ""]


def test_draws_that_hardly_differ_are_drawn_or_refused() -> None:
    """A predictor that determines the outcome leaves a residual sd of rounding."""
    fit = synthetic_fit("y ~ x + (1 | g)", table(80), chains=4, draws=100)
    posterior = fit.draws["posterior"].to_dataset()
    posterior["sigma"] = 1e-14 * (1 + 1e-15 * posterior["sigma"])
    fit.draws["posterior"] = xr.DataTree(posterior)
    assert fit.prior_and_posterior().plot().axes
    with pytest.raises(HierkitError, match=r"differ in their last digits alone.*Check whether predictors"):
        fit.plot_trace()


def test_panels_of_many_effects_have_room(recwarn: pytest.WarningsRecorder) -> None:
    figure, panels = paper(20)
    to_svg(figure)
    assert len(panels) == 20
    assert not recwarn.list
