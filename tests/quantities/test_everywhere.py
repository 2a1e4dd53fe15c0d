"""Every quantity for several effects, crossed and nested factors, counts and Bernoulli rows."""

from typing import Any

import numpy as np
import pytest
from synthetic import synthetic_fit, table

from hierkit.errors import HierkitError

GROUPS, KINDS = ("new", "typical", "marginal"), ("mean", "outcome")
MODELS = [
    ("y ~ x + h + (x + h | g)", "gaussian"),
    ("y ~ x + (x || g) + (1 | s)", "gaussian"),
    ("y ~ x + (1 | s/g)", "gaussian"),
    ("won ~ x + h + (x | g) + (1 | k)", "bernoulli"),
    ("p(hits, tries) ~ x + z + (h | g) + (1 | g:s)", "bernoulli"),
    ("p(hits, tries) ~ 0 + h + (0 + x | g)", "bernoulli"),
]


def of_one_factor(fit: Any, factor: Any) -> Any:
    yield fit.shrinkage(factor)
    yield fit.shrinkage(factor, kind="spread")
    yield fit.pooling_factors(factor)
    yield fit.design_effect(factor)
    yield fit.compare_pooling(factor)
    yield fit.blup_qq(factor)
    yield fit.ranks(factor)
    yield fit.response_curve("x", factor)


@pytest.mark.parametrize(("text", "family"), MODELS)
def test_every_quantity_has_draws_and_a_table(text: Any, family: Any) -> None:
    fit = synthetic_fit(text, table(150), family, draws=30)
    quantities = [fit.icc(), fit.icc(along="x"), fit.r_squared(), fit.coefficients(), fit.marginal_coefficients()]
    quantities += [fit.slopes("x", kind) for kind in ("conditional", "typical", "marginal")]
    quantities += [fit.classical(), fit.prior_sensitivity(), fit.predictive_check()]
    quantities += [fit.predict(table(5, seed=1), groups, kind) for groups in GROUPS for kind in KINDS]  # type: ignore[arg-type]
    for factor in fit.design.factors:
        quantities += list(of_one_factor(fit, factor.label))
    for quantity in quantities:
        found = quantity.table(long=True)
        assert len(found)
        assert len(quantity.definition) > 40
        if "ci_lower" in found:
            own = found if "quantity" not in found else found[~found.quantity.isin(["own", "pooled", "odds_ratio"])]
            assert np.isfinite(own[["ci_lower", "ci_upper"]]).all(axis=None)
            ratios = own if "rows" in quantity.draws else own.iloc[:0]
            ratios = own[own.quantity == "attenuation"] if "attenuation" in quantity.draws else ratios
            assert np.isfinite(own.estimate).all()
            assert np.isfinite(own.drop(ratios.index).sd).all()
            assert ratios.sd.isna().all()
            labels = [dim for dim in quantity.draws.dims if dim not in ("chain", "draw", "place") and dim in found]
            short = quantity.table()
            keys = [name for name in ("quantity", *labels) if name in short]
            assert len(short.drop_duplicates(keys) if keys else short.head(1)) == len(short)
        assert "<table>" in quantity._repr_html_()


def test_a_factor_must_be_named_where_there_are_several() -> None:
    fit = synthetic_fit("y ~ x + (x || g) + (1 | s)", table(150))
    for method in (fit.shrinkage, fit.design_effect, fit.ranks, fit.blup_qq, fit.compare_pooling):
        with pytest.raises(HierkitError, match="Its factors are 'g', 's'"):
            method()
