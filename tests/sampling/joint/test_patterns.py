import numpy as np
from synthetic import design_of, patterns_of, table

from hierkit.sampling.kernels.layout import make_layout


def test_factors_go_from_few_effects_to_many() -> None:
    design = design_of("y ~ x + (x | g) + (1 | s) + (1 | g:h)", table(200))
    layout = make_layout(design.factors)
    assert layout.order.tolist() == [1, 0, 2]
    assert layout.groups.tolist() == [3, 6, 18]
    assert layout.effects.tolist() == [1, 2, 1]
    assert layout.columns.tolist() == [2, 0, 3]
    assert layout.first.tolist() == [0, 3, 15, 33]


def test_equal_rows_are_counted_once() -> None:
    data = table(400).assign(x=lambda d: (d.x > 0).astype(float))
    design = design_of("p(hits, tries) ~ x + (1 | g) + (1 | s)", data, "bernoulli")
    rows = patterns_of(design)
    cells = data.groupby(["g", "s", "x"])[["hits", "tries"]].sum()
    assert rows.y.tolist() == cells.hits.tolist()
    assert rows.size.tolist() == cells.tries.tolist()


def test_gaussian_patterns_keep_means_and_sums_of_squares() -> None:
    data = table(400).assign(x=lambda d: (d.x > 0).astype(float))
    design = design_of("y ~ x + (1 | g)", data)
    rows = patterns_of(design)
    cells = data.groupby(["g", "x"]).y
    np.testing.assert_allclose(rows.y, cells.mean())
    assert rows.size.tolist() == cells.size().tolist()
    np.testing.assert_allclose(rows.within, ((data.y - cells.transform("mean")) ** 2).sum())


def test_patterns_say_what_the_rows_say() -> None:
    """Every row's X, Z and place of its effects are those of its pattern, sorted by the last factor's groups."""
    design = design_of("y ~ x + (x | g) + (h | s) + offset(z)", table(150))
    layout = make_layout(design.factors)
    rows = patterns_of(design)
    order, at = np.argsort(design.X[:, 1]), np.argsort(rows.X[1])
    assert len(rows.y) == 150
    np.testing.assert_allclose(rows.X[1, at], (design.X[:, 1] - design.X[:, 1].mean())[order])
    np.testing.assert_array_equal(rows.Z[:, at], np.hstack([f.Z for f in design.factors])[order].T)
    np.testing.assert_array_equal(rows.offset[at], design.offset[order])
    for f, place in enumerate(layout.order):
        codes = design.factors[place].codes[order]
        np.testing.assert_array_equal(rows.codes[f, at], codes)
    last = design.factors[layout.order[-1]]
    assert np.diff(rows.starts).tolist() == last.counts.tolist()


def test_no_factors() -> None:
    design = design_of("y ~ x", table(30))
    layout = make_layout(design.factors)
    rows = patterns_of(design)
    assert rows.codes.shape == (0, 30)
    assert layout.first.tolist() == [0]


def test_rows_all_alike() -> None:
    design = design_of("won ~ 1", table(30), "bernoulli")
    rows = patterns_of(design)
    assert rows.size.tolist() == [30]
