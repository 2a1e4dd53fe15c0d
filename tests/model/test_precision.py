"""The precision of rows: what is allowed, what it means for a design, and the typical variance of known sds."""

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from synthetic import design_of, reference_table, table

from hierkit.errors import HierkitError
from hierkit.model.precision import Precision, make_precision, typical_variance


def rows() -> Any:
    rng = np.random.default_rng(0)
    return table(60).assign(w=rng.uniform(0.2, 3, 60), n=rng.integers(1, 9, 60), events=lambda d: d.n // 2)


def test_weights_and_known_sds_are_precisions() -> None:
    data = rows()
    weighted, known = (design_of("y ~ x + (1 | g)", data, **{word: "w"}) for word in ("weights", "known_sd"))
    np.testing.assert_array_equal(weighted.row_weights, data.w)
    np.testing.assert_allclose(known.row_weights, data.w**-2.0)
    assert (weighted.outcome.has_sigma, known.outcome.has_sigma) == (True, False)
    np.testing.assert_array_equal(known.trials, np.ones(60))


def test_typical_variance_is_that_of_higgins_and_thompson() -> None:
    w = np.array([0.3, 1.0, 2.5, 4.0])
    expected = 3 * w.sum() / (w.sum() ** 2 - np.sum(w**2))
    assert typical_variance(w, np.ones((4, 1))) == pytest.approx(expected)
    assert typical_variance(np.full(5, 4.0), np.random.default_rng(0).normal(size=(5, 2))) == pytest.approx(0.25)
    X = np.random.default_rng(0).normal(size=(4, 2))
    P = np.diag(w) - np.diag(w) @ X @ np.linalg.solve(X.T @ np.diag(w) @ X, X.T @ np.diag(w))
    for columns in (X, np.hstack([X, X])):
        assert typical_variance(w, columns) == pytest.approx(2 / np.trace(P))
    assert typical_variance(w[:2], np.eye(2)) == pytest.approx(1 / w[:2].mean())


@pytest.mark.parametrize("smaller", [1e3, 1e6, 1e8, 1e12])
def test_typical_variance_with_one_row_that_decides_all(smaller: float) -> None:
    w = [Fraction(1, 4), Fraction(1), Fraction(4, 9), Fraction(smaller) ** 2]
    exact = 3 * sum(w) / (sum(w) ** 2 - sum(one**2 for one in w))
    found = typical_variance(np.array([float(one) for one in w]), np.ones((4, 1)))
    assert found == pytest.approx(float(exact), rel=1e-9)


def test_a_row_that_has_a_column_of_its_own_says_nothing_of_the_others() -> None:
    w, X = np.array([1.0, 2.0, 4.0, 1e9]), np.column_stack([np.ones(4), [0, 0, 0, 1.0]])
    assert typical_variance(w, X) == pytest.approx(typical_variance(w[:3], np.ones((3, 1))))


@pytest.mark.parametrize("outcome", ["share", "events / n"])
def test_shares_with_weights_are_counts(outcome: Any) -> None:
    data = rows().assign(share=lambda d: d.events / d.n)
    found = design_of(f"{outcome} ~ x + (1 | g)", data, "bernoulli", weights="n")
    expected = design_of("p(events, n) ~ x + (1 | g)", data, "bernoulli")
    np.testing.assert_array_equal(found.outcome.y, expected.outcome.y)
    np.testing.assert_array_equal(found.trials, expected.trials)
    np.testing.assert_array_equal(found.column_means, expected.column_means)


@pytest.mark.parametrize(
    "event", [lambda d: d.y > 0, lambda d: np.where(d.y > 0, "yes", "no"), lambda d: 1 * (d.y > 0)]
)
def test_a_table_of_frequencies_is_one_of_counts(event: Any) -> None:
    """As R's `glm(Admit ~ Gender, weights = Freq)` of a table of frequencies: each row so many trials of one event."""
    data = rows().assign(event=event)
    found = design_of("event ~ x + (1 | g)", data, "bernoulli", weights="n")
    np.testing.assert_array_equal(found.outcome.y, np.where(data.y > 0, data.n, 0))
    np.testing.assert_array_equal(found.trials, data.n)


def test_rounded_shares_are_whole_counts() -> None:
    data = rows().assign(n=12, share=lambda d: (d.index % 13 / 12).round(3))
    found = design_of("share ~ x + (1 | g)", data, "bernoulli", weights="n")
    np.testing.assert_array_equal(found.outcome.y, data.index % 13)


def test_the_default_prior_of_sigma_follows_the_units_of_weights() -> None:
    from hierkit.model.priors import make_priors

    data = rows()
    one, other = (make_priors(design_of("y ~ x + (1 | g)", data.assign(w=c * data.w), weights="w")) for c in (1, 100))
    ratio = list(other["sigma"].args.values())[1] / list(one["sigma"].args.values())[1]
    assert ratio == pytest.approx(10)
    for name in set(one) - {"sigma"}:
        assert one[name].name == other[name].name
        assert list(one[name].args.values()) == pytest.approx(list(other[name].args.values()))
    equal = make_priors(design_of("y ~ x + (1 | g)", data.assign(w=1.0), weights="w"))
    assert equal["sigma"].args["sigma"] == pytest.approx(np.std(data.y))
    assert "sigma" not in make_priors(design_of("y ~ x + (1 | g)", data, known_sd="w"))


REFUSED = [
    ({"weights": "w", "known_sd": "z"}, "Both weights='w' and known_sd='z' were given. .* Pass one of them"),
    ({"weights": 3}, "weights= is a int. weights= is the name of a column"),
    ({"weights": "y"}, "weights='y' names 'y', which is the outcome"),
    ({"weights": "nowhere"}, "data has no column 'nowhere'. Its columns are"),
    ({"weights": "h"}, "weights='h': the column is not of numbers. Weights are positive numbers"),
    ({"known_sd": "zero"}, r"known_sd='zero': the column is 0 in used row 3 \(1 such rows\). Sds are positive numbers"),
    ({"weights": np.ones(3), "known_sd": "z"}, "weights= is a ndarray. weights= is the name of a column"),
    ({"known_sd": "tiny"}, "from 1e-200 to 1e-200. Sds between 1e-30 and 1e.30 can be computed with"),
    ({"weights": "tiny"}, "from 1e-200 to 1e-200. Weights between 1e-60 and 1e.60 .* Divide them by their mean"),
    ({"known_sd": "w", "family": "bernoulli"}, "known_sd='w' was given with family='bernoulli'. Only a Gaussian"),
]


@pytest.mark.parametrize(("options", "message"), REFUSED)
def test_refusals(options: Any, message: Any) -> None:
    data = rows().assign(zero=lambda d: np.where(d.index == 3, 0.0, 1.0), tiny=1e-200)
    with pytest.raises(HierkitError, match=message):
        design_of("y ~ x + (1 | g)", data, **options)


@pytest.mark.parametrize(
    ("outcome", "message"),
    [
        ("y", "The outcome 'y' runs from .* With weights an outcome of events is their share among the trials"),
        ("half", r"A share of 0.5 in 3 trials is 1.5 events, in used row 0 \(60 such rows\). Shares times trials"),
        ("p(events, n)", "weights='three' are other numbers than the trials of p.events, n."),
        ("zero", "The outcome 'zero' is constant .no event in every used row."),
    ],
)
def test_shares_that_are_none(outcome: Any, message: Any) -> None:
    data = rows().assign(half=0.5, zero=0.0, three=3)
    with pytest.raises(HierkitError, match=message):
        design_of(f"{outcome} ~ x + (1 | g)", data, "bernoulli", weights="three")


def test_known_sds_are_in_the_units_of_the_outcome() -> None:
    with pytest.raises(HierkitError, match=r"outcome scale\(y\), whose unit scale\(\) takes from the rows"):
        design_of("scale(y) ~ x + (1 | g)", rows(), known_sd="w")
    assert design_of("log(w) ~ x + (1 | g)", rows(), known_sd="w").outcome.sd_is_known


def test_shares_of_many_trials_are_rounded_to_their_decimals() -> None:
    """0.333 of 300 is 99.9; 100 is the only number of events that is rounded to it."""
    data = rows().assign(n=300, share=lambda d: (d.index * 5 / 300).round(3))
    found = design_of("share ~ x + (1 | g)", data, "bernoulli", weights="n")
    np.testing.assert_array_equal(found.outcome.y, data.index * 5)
    with pytest.raises(HierkitError, match="in 1200 trials is"):
        design_of("share ~ x + (1 | g)", data.assign(n=1200, share=data.share + 0.0001), "bernoulli", weights="n")
    with pytest.raises(HierkitError, match=r"weights='n': the column is 2\.5 in used row 0 .* whole numbers"):
        design_of("share ~ x + (1 | g)", data.assign(n=2.5), "bernoulli", weights="n")


def test_missing_weights_leave_rows_out_and_others_stay() -> None:
    data = rows().assign(w=lambda d: d.w.where(d.index > 4))
    design = design_of("y ~ x + (1 | g)", data, weights="w")
    assert design.rows.missing == {"w": 5}
    assert len(design.outcome.y) == 55


def test_in_words() -> None:
    assert str(make_precision("w", None, "gaussian")) == "weights='w'"
    assert Precision().columns == ()
    assert Precision(known_sd="se").given == {"known_sd": "se"}
    assert (
        "typical sampling variance"
        in design_of("log_rr ~ 1", reference_table("bcg"), known_sd="sd").outcome.variance_in_words
    )
