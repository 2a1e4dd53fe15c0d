"""Models side by side, with the numbers of each model's own quantities."""

import re
from typing import Any

import numpy as np
import pandas as pd
import pytest
from synthetic import synthetic_fit, table

import hierkit
from hierkit.errors import HierkitError


@pytest.fixture(scope="module")
def fits() -> Any:
    return {
        "level": synthetic_fit("y ~ x + (1 | g)", table(80), draws=100),
        "slope": synthetic_fit("y ~ x + h + (x | g)", table(80), draws=100),
    }


def test_numbers_are_those_of_the_quantities(fits: Any) -> None:
    found = hierkit.compare_table(fits).table().set_index(["model", "parameter"])
    for name, fit in fits.items():
        for quantity, label in ((fit.coefficients(), "term"), (fit.variance_components(), "component")):
            own = quantity.table().set_index(label)
            rows: Any = found.loc[name].loc[own.index]
            for column in ("estimate", "sd", "ci_lower", "ci_upper"):
                np.testing.assert_array_equal(rows[column].astype(float), own[column])
        assert found.loc[(name, "ICC of g"), "estimate"] == fit.icc().table().estimate[0]
        assert found.loc[(name, "R², conditional"), "estimate"] == fit.r_squared().table().estimate[1]
        with pytest.warns(hierkit.HierkitWarning, match="Pareto k"):
            assert found.loc[(name, "elpd"), "estimate"] == fit.loo().elpd
        assert found.loc[(name, "rows"), "estimate"] == 80
        assert found.loc[(name, "groups of g"), "estimate"] == 6


def test_rows_are_in_the_order_of_a_paper(fits: Any) -> None:
    found = hierkit.compare_table(fits).side_by_side()
    assert found.columns.tolist() == ["", "level", "slope"]
    assert found[""].tolist() == [
        *("Intercept", "x", "h[mid]", "h[top]"),
        *("sd(Intercept|g)", "sd(x|g)", "cor(Intercept, x|g)", "sigma"),
        *("ICC of g", "R², marginal", "R², conditional", "rows", "groups of g", "elpd"),
    ]
    cells = found.set_index("")
    rows = {name: list(cells.loc[name]) for name in ("h[mid]", "rows", "x", "elpd")}
    assert rows["h[mid]"][0] == ""
    assert rows["rows"] == ["80", "80"]
    assert all(re.fullmatch(r"-?[0-9.]+ \[-?[0-9.]+, -?[0-9.]+\]", cell) for cell in rows["x"])
    assert all(re.fullmatch(r"-[0-9.]+ \([0-9.]+\)", cell) for cell in rows["elpd"])


def test_every_format_has_every_model(fits: Any) -> None:
    found = hierkit.compare_table(fits)
    for text in (found.to_markdown(), found.to_latex("Two"), found.to_html(), repr(found), found._repr_html_()):
        assert "level" in text
        assert "slope" in text
    assert len(found.to_csv().splitlines()) == 1 + len(found.table())


def test_scores_of_other_rows_are_left_out(fits: Any) -> None:
    other = synthetic_fit("y ~ x + (1 | g)", table(80).iloc[:60], draws=50)
    found = hierkit.compare_table({**fits, "fewer": other})
    assert "elpd" not in found.table().parameter.tolist()
    assert "elpd" not in found.definition


def test_a_model_without_groups_and_one_of_events() -> None:
    fits = {
        "none": synthetic_fit("y ~ x", table(80), draws=50),
        "events": synthetic_fit("won ~ 0 + (1 | g)", table(80), "bernoulli", draws=50),
    }
    found = hierkit.compare_table(fits).side_by_side()
    empty = [row[0] for row in found.to_numpy().tolist() if "" in row]
    assert empty == ["Intercept", "x", "sd(Intercept|g)", "sigma", "ICC of g", "groups of g"]


def test_refused(fits: Any) -> None:
    with pytest.raises(HierkitError, match="models= is a list, not a mapping"):
        hierkit.compare_table(list(fits.values()))  # type: ignore[arg-type]
    with pytest.raises(HierkitError, match="models= is empty, not a mapping"):
        hierkit.compare_table({})
    assert isinstance(hierkit.compare_table({"one": fits["level"]}).table(), pd.DataFrame)
