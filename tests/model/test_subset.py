"""A design of some of the rows: the same model."""

import numpy as np
import pandas as pd
import pytest
from synthetic import design_of, table

from hierkit.errors import HierkitError
from hierkit.model.design import Design
from hierkit.model.priors import make_priors
from hierkit.model.subset import places_in, subset


def made() -> Design:
    return design_of("y ~ poly(x, 2) + h + scale(z) + (scale(z) | g) + (1 | s)", table(80))


def test_columns_are_those_of_all_rows() -> None:
    """Polynomials and scales are not computed again, and levels that are gone keep their columns."""
    design = made()
    kept = np.flatnonzero(design.rows.frame.h != "top")
    smaller = subset(design, kept)
    np.testing.assert_array_equal(smaller.X, design.X[kept])
    assert [column.label for column in smaller.columns] == [column.label for column in design.columns]
    np.testing.assert_array_equal(smaller.outcome.y, design.outcome.y[kept])
    for own, whole in zip(smaller.factors, design.factors, strict=True):
        np.testing.assert_array_equal(own.Z, whole.Z[kept])
        np.testing.assert_array_equal(own.levels[own.codes], whole.levels[whole.codes[kept]])


def test_priors_hold_where_they_did() -> None:
    design = made()
    smaller = subset(design, np.arange(30, 80))
    np.testing.assert_array_equal(smaller.column_means, design.column_means)
    priors = make_priors(design)
    columns = ["parameter", "prior", "holds"]
    assert make_priors(smaller, priors).table()[columns].equals(priors.table()[columns])


def test_groups_without_rows_are_left_out_and_counted_from_the_end() -> None:
    design = made()
    factor = design.factors[0]
    gone = factor.codes == 2
    smaller = subset(design, np.flatnonzero(~gone)).factors[0]
    assert list(smaller.levels) == [0, 10, 30, 40, 50]
    assert places_in(smaller, factor).tolist() == [0, 1, 5, 2, 3, 4]
    assert (smaller.counts == np.delete(factor.counts, 2)).all()


def test_one_group_is_no_factor() -> None:
    rows = pd.DataFrame({"y": [1.0, 2, 3, 4], "g": ["a", "a", "b", "b"]})
    design = design_of("y ~ 1 + (1 | g)", rows)
    with pytest.raises(HierkitError, match="The grouping factor 'g' has one group left"):
        subset(design, np.array([0, 1]))
