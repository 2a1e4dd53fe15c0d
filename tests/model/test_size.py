"""Terms of more columns than memory holds."""

import numpy as np
import pandas as pd
import pytest
from synthetic import design_of, table

from hierkit.errors import HierkitError


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        ("y ~ x + h", r"h makes 3 columns of 60 rows, 0 GB, and the machine has 0 GB\. .* write \(1 \| h\)"),
        ("y ~ x + (h | g)", "h makes 3 columns of 60 rows"),
        ("y ~ h:k:x", r"h:k:x makes 9 columns of 60 rows.*write \(1 \| h:k\)"),
        ("y ~ C(g)", r"C\(g\) makes 6 columns of 60 rows.*write \(1 \| g\)"),
        ("y ~ bs(x, knots=c(0, 1)):z", r"bs\(x, knots=c\(0, 1\)\):z makes 5 columns of 60 rows.*Ask for fewer columns"),
    ],
)
def test_columns_that_would_not_fit_into_memory_are_refused(
    formula: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hierkit.model.size.at_least_memory", lambda: 5 * 8 * 60 * 2)
    with pytest.raises(HierkitError, match=message):
        design_of(formula, table())
    monkeypatch.setattr("hierkit.model.size.at_least_memory", lambda: 5 * 8 * 60 * 9)
    assert design_of(formula, table())


@pytest.mark.parametrize(
    ("term", "columns"),
    [
        ("bs(x, df=10**9)", "1,000,000,000"),
        ("bs(x, 10**9)", "1,000,000,000"),
        ("bs(x, df=4, degree=100)", "100"),
        ("poly(x, 30 * (1 + 2))", "90"),
        ("log(z) + ns(log(z), df=61)", "61"),
    ],
)
def test_bases_of_more_columns_than_rows_are_refused_before_they_are_made(term: str, columns: str) -> None:
    with pytest.raises(HierkitError, match=rf"asks for {columns} columns of 60 rows\. .* Ask for a handful"):
        design_of(f"y ~ {term}", table())
    with pytest.raises(HierkitError, match=rf"asks for {columns} columns of 60 rows"):
        design_of(f"y ~ 1 + ({term} | g)", table())


def test_places_of_knots_are_no_numbers_of_columns() -> None:
    data = table().assign(x=np.linspace(0, 1000, 60))
    assert design_of("y ~ bs(x, knots=c(100, 500)) + ns(z, df=2 + 1)", data).X.shape == (60, 1 + 5 + 3)


def test_many_levels_are_refused_in_no_time() -> None:
    """Forty thousand columns of as many rows would be 13 GB, and formulae's coding of them as much again."""
    data = pd.DataFrame({"y": np.arange(200_000) % 7.0, "name": [f"n{i}" for i in range(200_000)]})
    with pytest.raises(HierkitError, match=r"name makes 200,000 columns of 200,000 rows, 320 GB.*write \(1 \| name\)"):
        design_of("y ~ name", data)
