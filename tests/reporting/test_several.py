"""Several fits on one page."""

from typing import Any

import numpy as np
import pytest
import xarray as xr
from synthetic import synthetic_fit, table

import hierkit
from hierkit.errors import HierkitError
from hierkit.reporting.several import _compared, several_sections


@pytest.fixture(scope="module")
def fits() -> Any:
    return {
        "level": synthetic_fit("y ~ x + (1 | g)", table(80), chains=4, draws=150),
        "slope": synthetic_fit("y ~ x + h + (x | g)", table(80), chains=4, draws=150),
    }


def test_what_differs_is_side_by_side(fits: Any) -> None:
    sections = several_sections({name: fit._parts for name, fit in fits.items()})
    assert [section.title for section in sections] == [
        *("The models", "Which predicts better?", "Side by side", 'What "level" says', 'What "slope" says'),
    ]
    expected = hierkit.compare_table(fits).side_by_side().rename(columns={"": "parameter"})
    assert sections[2].rows.equals(expected)
    assert sections[3].points[-1] in " ".join(sections[3].points)


@pytest.mark.parametrize(
    ("difference", "error", "words"),
    [
        (-30.0, 6.0, "a predicts better than b, by 30.0 ± 6.0"),
        (-7.0, 6.0, "a may predict better than b, but it is not clear"),
        (-1.0, 0.2, "a and b predict about equally well"),
    ],
)
def test_scores_in_words(difference: Any, error: Any, words: Any) -> None:
    assert words in _compared("a", "b", difference, error)


def test_the_better_model_is_named(fits: Any) -> None:
    """Draws at least squares beside draws far from it."""
    good = synthetic_fit("y ~ x + (1 | g)", table(80), chains=4, draws=150)
    posterior = good.draws["posterior"].to_dataset()
    for name in ("Intercept", "x", "1|g"):
        posterior[name] = 0.01 * posterior[name]
    posterior["sigma"] = posterior["sigma"] * 0 + 1.0
    good.draws["posterior"] = xr.DataTree(posterior)
    section = several_sections({"poor": fits["level"]._parts, "good": good._parts})[1]
    assert section.sentences[0].startswith('"good" predicts better than "poor", by ')
    assert np.isclose(section.rows["elpd_diff"].iloc[0], 0)


def test_the_page(fits: Any) -> None:
    page = hierkit.report(fits, labels={"x": "age"}, units={"x": "years"})
    for text in (
        "Models of y",
        "2 models of 80 rows: &#34;level&#34; and &#34;slope&#34;",
        "A year more of age",
        "Side by side",
    ):
        assert text in page.html
    assert page.html == hierkit.report(fits, labels={"x": "age"}, units={"x": "years"}).html
    assert "Mine" in hierkit.report(fits, title="Mine").html


def test_other_rows_have_no_scores(fits: Any) -> None:
    other = synthetic_fit("y ~ x + (1 | g)", table(80).iloc[:60], draws=50)
    titles = [section.title for section in several_sections({"all": fits["level"]._parts, "some": other._parts})]
    assert "Which predicts better?" not in titles


def test_refused(fits: Any) -> None:
    with pytest.raises(HierkitError, match="models= is a Fit, not a mapping of names to fits"):
        hierkit.report(fits["level"])
    with pytest.raises(HierkitError, match="labels= names 'nothing'"):
        hierkit.report(fits, labels={"nothing": "much"})
