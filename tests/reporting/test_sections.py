import io
import textwrap
from typing import Any

import numpy as np
import pandas as pd
import pytest
from synthetic import synthetic_fit, table

from hierkit.checks.findings import Finding, Findings
from hierkit.reporting.section import MOST_ROWS
from hierkit.reporting.sections import report_sections
from hierkit.reporting.words import verdict


@pytest.fixture
def fit() -> Any:
    return synthetic_fit("y ~ x + (x | g)", table(), chains=4, draws=500)


def test_summary_says_the_main_things_in_order(fit: Any) -> None:
    text = str(fit.summary())
    headings = ["Model and data", "Findings", "Coefficients", "Variance components"]
    assert [line for line in text.splitlines() if line in headings] == headings
    assert "y ~ x + (x | g)" in text
    assert "Rows: 60 of 60 used" in text
    assert "Groups of g: 6, " in text
    assert max(map(len, text.splitlines())) <= 120


def test_tables_are_those_of_the_quantities(fit: Any) -> None:
    sections: dict[str, Any] = {section.title: section.table for section in report_sections(fit._parts)}
    assert sections["Coefficients"].equals(fit.coefficients().table())
    assert sections["Variance components"].equals(fit.variance_components().table())
    (groups,) = (table for title, table in sections.items() if "differ clearly" in title or "differs clearly" in title)
    assert groups.equals(fit.group_effects("g").table())
    assert sections["Priors"].equals(fit.priors.table())


def test_verdict_names_what_failed() -> None:
    bad = synthetic_fit("y ~ x + (x | g)", table(), draws=3)
    expected = "These numbers cannot be trusted yet: there are too few draws to tell (few draws)."
    assert verdict(bad.checks()) == expected
    assert verdict(bad.checks()) in str(bad.summary())


def test_verdict_says_once_that_there_are_too_few_draws() -> None:
    checks = ("R-hat", "bulk ESS", "tail ESS")
    bad = Findings(tuple(Finding("action", check, "", "") for check in checks))
    assert verdict(bad) == (
        "These numbers cannot be trusted yet: the chains disagree and there are too few independent draws (R-hat, bulk "
        "ESS, tail ESS)."
    )


@pytest.mark.parametrize(
    ("formula", "sentence"),
    [
        ("flag ~ x", "flag, Bernoulli: the event is yes, in "),
        ("p(hits, tries) ~ x", "p(hits, tries), counts: "),
        ("won ~ x", "won, Bernoulli: the event is True, in "),
    ],
)
def test_the_event_is_named(formula: Any, sentence: Any) -> None:
    assert sentence in str(synthetic_fit(formula, table(), "bernoulli").summary())


def test_rows_dropped_are_told() -> None:
    data = table()
    data.loc[:4, "x"] = None
    text = str(synthetic_fit("y ~ x + (1 | g)", data).summary())
    assert "Rows: 55 of 60 used" in text
    assert "missing values in x (5)" in " ".join(textwrap.dedent(text).split())


def test_many_groups_are_cut_and_said() -> None:
    data = table(1200).assign(g=lambda d: d.index // 2)
    section = next(s for s in report_sections(synthetic_fit("y ~ (1 | g)", data)._parts) if "differ" in s.title)
    assert len(section.rows) == MOST_ROWS
    assert f"The table shows the first {MOST_ROWS:,} of 600 rows." in section.noted


def test_a_model_without_groups_or_coefficients_is_told_too() -> None:
    assert "Variance components" in str(synthetic_fit("y ~ x", table()).summary())
    assert "Coefficients" not in str(synthetic_fit("y ~ 0 + (1 | g)", table()).summary())


def test_a_summary_in_every_format(fit: Any) -> None:
    summary = fit.summary()
    components = fit.variance_components().table()
    for text in (summary.to_markdown(), summary.to_latex(), summary.to_html(), summary._repr_markdown_()):
        assert "Variance components" in text
        assert "cor(Intercept, x" in text
    back = pd.read_csv(io.StringIO(summary.to_csv()))
    assert back["parameter"].tolist()[-len(components) :] == components["component"].tolist()
    # pandas before 3.1 rounds the last digit of what it reads
    np.testing.assert_allclose(back["estimate"].to_numpy()[-len(components) :], components["estimate"], rtol=1e-12)


def test_how_it_was_sampled_is_said(fit: Any) -> None:
    assert "Draws: 4 chains of 500 after 0 for tuning, 0 divergences, 0 s" in str(fit.summary())
    text = " ".join(str(fit.summary()).split())
    assert "r_hat ess_bulk ess_tail" in text
