"""What was found, in sentences that hold the numbers of the quantities."""

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy.special import expit
from synthetic import many_groups, sleepstudy_fit, synthetic_fit, table

from hierkit.checks.findings import Findings
from hierkit.reporting.curve_sections import curves
from hierkit.reporting.parts import without_levels
from hierkit.reporting.sections import SECTIONS, report_sections
from hierkit.reporting.story import first_screen, story
from hierkit.reporting.words import fraction
from hierkit.vocabulary import Vocabulary


def told(fit: Any, **words: Any) -> str:
    return " ".join(story(replace(fit._parts, words=Vocabulary(**words))))


def test_the_sentences_hold_the_numbers_of_the_tables() -> None:
    fit = sleepstudy_fit()
    text = told(
        fit, labels={"Reaction": "reaction time", "Days": "sleep deprivation"}, units={"Reaction": "ms", "Days": "days"}
    )
    sds: Any = fit.variance_components().table().set_index("component")
    slope: Any = fit.coefficients().table().set_index("term").loc["Days"]
    shares: Any = fit.icc().table().set_index("quantity")
    change = f"{slope.estimate:.1f} ms more reaction time ({slope.ci_lower:.1f} to {slope.ci_upper:.1f})"
    assert f"A day more of sleep deprivation goes with {change}." in text
    half = 1.598 * sds.loc["sd(Days|Subject)", "estimate"]
    low, high = slope.estimate - half, slope.estimate + half
    sides = [f"{abs(value):.1f} ms {'more' if value > 0 else 'less'}" for value in (low, high)]
    assert f"It differs by Subject: in 89% of Subjects it is between {sides[0]} and {sides[1]}." in text
    assert f"rows scatter with a standard deviation of {sds.loc['sigma', 'estimate']:.1f} (" in text
    assert f"At the means of the predictors, {shares.loc['latent', 'estimate']:.0%} (" in text
    assert "The model pulls Subjects " in text  # each has ten rows


@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_a_change_has_its_direction(sign: Any) -> None:
    fit = synthetic_fit("y ~ x + (1 | g)", table(80), chains=4, draws=100)
    posterior = fit.draws["posterior"].to_dataset()
    posterior["x"] = sign * (3 + 0.1 * posterior["x"])
    fit.draws["posterior"] = xr.DataTree(posterior)
    row: Any = fit.coefficients().table().set_index("term").loc["x"]
    size, low, high = abs(row.estimate), *sorted((abs(row.ci_lower), abs(row.ci_upper)))
    numbers = f"{size:.2f} ({low:.2f} to {high:.2f})"
    assert f"One more of x goes with y {'higher' if sign > 0 else 'lower'} by {numbers}." in told(fit)
    side = "more" if sign > 0 else "less"
    named = told(fit, labels={"y": "pay", "x": "age"}, units={"y": "euros", "x": "years"})
    assert f"A year more of age goes with {size:.2f} euros {side} pay ({low:.2f} to {high:.2f})." in named
    title = next(iter(curves(fit._parts))).title
    assert title == f"y {'rises' if sign > 0 else 'falls'} with x"


def test_no_clear_change_is_said_to_be_none() -> None:
    fit = synthetic_fit("y ~ x + (1 | g)", table(80), draws=100)
    assert re.search(r"One more of x goes with no clear change of y: from [0-9.]+ lower to [0-9.]+ higher\.", told(fit))
    named = told(fit, units={"y": "euros"})
    assert re.search(r"no clear change of y: from [0-9.]+ euros less to [0-9.]+ euros more\.", named)
    assert next(iter(curves(fit._parts))).title == "y does not clearly change with x"


def test_odds_are_told_within_and_across() -> None:
    fit = synthetic_fit("won ~ x + h + (1 | g)", table(80), "bernoulli", draws=100)
    ratio: Any = fit.coefficients().table().set_index("term").loc["x"]
    across: Any = fit.marginal_coefficients().table().set_index("term").loc["x"]
    text = told(fit, labels={"won": "a win", "g": "team"})
    assert f"One more of x multiplies the odds of a win by {ratio.odds_ratio:.1f} (" in text
    assert f"within a team, and by {across.odds_ratio:.2f} (" in text
    assert "across the whole population." in text


def test_why_effects_across_are_weaker() -> None:
    """With a positive coefficient the marginal one is smaller, by one minus the attenuation."""
    fit = synthetic_fit("won ~ x + (1 | g)", table(200), "bernoulli", draws=100)
    posterior = fit.draws["posterior"].to_dataset()
    posterior["x"] = 1 + 0.1 * posterior["x"]
    fit.draws["posterior"] = xr.DataTree(posterior)
    weaker = 1 - float(fit._parts.across.draws["attenuation"].sel(term="x").median())
    text = told(fit, labels={"g": "team"})
    assert f"Across the population effects are weaker (here by {weaker:.0%}), because teams with few" in text
    assert "for what happens within a team, the second" in text


def test_groups_differ_by_so_much() -> None:
    """Two of them by 2/sqrt(π) sds on average; odds by exp(0.954 sd) in the median (Merlo et al. 2006)."""
    sds = {"gaussian": 2 / np.sqrt(np.pi), "bernoulli": np.sqrt(2) * 0.67449}
    for family, factor in sds.items():
        outcome = "y" if family == "gaussian" else "won"
        fit = synthetic_fit(f"{outcome} ~ x + (1 | g)", table(80), family, chains=4, draws=100)
        sd = fit.draws["posterior"].to_dataset()["1|g_sigma"]
        text = told(fit, labels={"g": "team"})
        if family == "gaussian":
            assert f"Teams differ for the same x: two of them are typically {float((factor * sd).mean()):.2f} (" in text
        else:
            ratio = float(np.exp(factor * sd).median())
            assert f"the odds of won in one team are typically {ratio:.1f} (" in text


def test_the_first_screen_has_the_strongest_coefficients_in_the_order_of_the_formula() -> None:
    data = table(200).assign(**{f"x{k}": table(200, seed=k).x for k in range(6)})
    fit = synthetic_fit("y ~ x0 + x1 + x2 + x3 + x4 * x5 + (1 | g)", data, draws=200)
    posterior = fit.draws["posterior"].to_dataset()
    for name in ("x1", "x4", "x5", "x4:x5"):
        posterior[name] = 50 + posterior[name]
    fit.draws["posterior"] = xr.DataTree(posterior)
    found = first_screen(replace(fit._parts, findings=Findings(())))
    assert [next(name for name in ("x4 × x5", "x1", "x4", "x5") if name in one) for one in found[:4]] == [
        *("x1", "x4", "x5", "x4 × x5"),
    ]
    assert found[4] == "3 more coefficients are below."


def test_how_far_schools_are_pulled_is_said_to_be_for_known_classes() -> None:
    data = table(120).assign(class_=lambda t: t.index % 4)
    text = told(synthetic_fit("y ~ x + (1 | s/class_)", data, draws=100), labels={"s": "school"})
    assert text.count("which are pulled themselves: in all it is more.") == 1
    assert "pulled themselves" not in told(synthetic_fit("y ~ x + (1 | s) + (1 | class_)", data, draws=100))


def test_of_few_groups_none_is_said_to_be_in_order() -> None:
    """Two groups have no Q-Q plot; that none is outlying is no finding."""
    data = pd.DataFrame({"g": np.repeat([0, 1], 30), "y": np.random.default_rng(0).normal(size=60)})
    assert "nobody can say whether one is out of the ordinary" in told(synthetic_fit("y ~ 1 + (1 | g)", data))


def test_the_first_screen_is_short_and_plain() -> None:
    fit = synthetic_fit("won ~ x + h + k + z + (1 | g)", table(200), "bernoulli", chains=4, draws=500)
    found = first_screen(replace(fit._parts, findings=Findings(())))
    assert 3 <= len(found) <= 9
    assert "2 more coefficients are below." in found
    assert not re.search("[α-ωΑ-Ω]", " ".join(found))
    assert found[-1].startswith("(Odds are")


@pytest.mark.parametrize(
    ("formula", "family", "sentence"),
    [
        ("y ~ x * h + z + (1 | g)", "gaussian", "The coefficient of x × h = mid is"),
        (
            "y ~ x * h + z + (1 | g)",
            "gaussian",
            ", where the predictors it interacts with are zero or at their reference level; see slopes().",
        ),
        ("won ~ x * z + (1 | g)", "bernoulli", "The odds ratio of x × z is"),
        ("flag ~ x + (1 | g)", "bernoulli", "One more of x multiplies the odds of flag = yes by"),
        ("p(hits, tries) ~ x + (1 | g)", "bernoulli", "the odds of hits by"),
        ("y ~ bs(x, df=4) + (1 | g)", "gaussian", "The coefficient of bs(x, df=4)[0] is"),
        ("y ~ 0 + h + s + (1 | g)", "gaussian", "Where h is low and s is E, the mean of y is"),
        ("y ~ h + (h || g)", "gaussian", "Their further difference where h is low varies"),
        ("y ~ rounded + (1 | g)", "gaussian", ", comparing groups of g."),
        ("y ~ x * h + z + (1 | g)", "gaussian", "One more of z goes with"),
        ("y ~ k + (1 | g)", "gaussian", "k b rather than c goes with"),
        ("y ~ zero + (1 | g)", "gaussian", "Zero 1 rather than 0 goes with"),
        ("y ~ 0 + k + x + (1 | g)", "gaussian", "Where k is b and x is 0, the mean of y is"),
        ("won ~ 0 + k + (1 | g)", "bernoulli", "Where k is b, the odds of won are"),
        ("y ~ area + x + (1 | g)", "gaussian", ", comparing groups of g."),
        ("won ~ area + (1 | g)", "bernoulli", "comparing groups of g that are otherwise alike, and by"),
        ("y ~ 1 + (0 + k | g)", "gaussian", "Their level where k is c varies between groups of g"),
        ("y ~ 1 + (0 + x | g)", "gaussian", "The effect of x varies between groups of g"),
        ("y ~ 1 + (0 + x | g)", "gaussian", " per unit of x."),
        ("y ~ x + (x | g) + (x | s)", "gaussian", "It differs by s: in 89% of groups of s it is between"),
        ("won ~ x + (x | g)", "bernoulli", "in 89% of groups of g the factor is between"),
        ("y ~ x + offset(z) + (1 | g)", "gaussian", "in addition to each row's offset"),
        ("y ~ x + z + (1 | g)", "gaussian", "Groups of g differ for the same predictors: two of them"),
        ("y ~ 1 + (1 | g)", "gaussian", "Groups of g differ: two of them are typically"),
        ("y ~ 1 + (1 | g) + (1 | s)", "gaussian", "In a typical group of g and a typical group of s, the mean of y is"),
        ("flag ~ 1 + (1 | g)", "bernoulli", "In a typical group of g, the probability of flag = yes is"),
        ("y ~ 1", "gaussian", "The mean of y is"),
    ],
)
def test_each_kind_of_term_has_its_words(formula: Any, family: Any, sentence: Any) -> None:
    data = table(120).assign(
        area=lambda t: t.g / 50, rounded=lambda t: t.g / 7 + t.x - t.x, zero=lambda t: 1 * (t.x > 0)
    )
    fit = synthetic_fit(formula, data, family, draws=20)
    assert sentence in told(fit)


def test_the_mean_is_said_where_there_are_no_predictors() -> None:
    fit = synthetic_fit("y ~ 1 + (1 | g)", table(80), chains=4, draws=500)
    found = fit.coefficients().table().iloc[0]
    text = next(sentence for sentence in first_screen(fit._parts) if "the mean of y is" in sentence)
    said = [float(part) for part in re.findall(r"-?\d+\.\d+", text.replace("\N{MINUS SIGN}", "-"))]
    np.testing.assert_allclose(said, [found.estimate, found.ci_lower, found.ci_upper], atol=0.06)
    fit = synthetic_fit("won ~ 1 + (1 | g)", table(80), "bernoulli", chains=4, draws=500)
    shares = 100 * expit(fit.coefficients().draws["coefficient"].isel(term=0).values)
    text = next(sentence for sentence in first_screen(fit._parts) if "the probability of won is" in sentence)
    assert f"{shares.mean():.0f}% ({np.quantile(shares, 0.055):.0f} to " in text


def test_weights_and_known_sds_have_their_words() -> None:
    data = table(80).assign(w=2.0 + table(80).x.abs())
    assert "for a row of weight 1." in told(synthetic_fit("y ~ x + (1 | g)", data, weights="w", draws=20))
    known = told(synthetic_fit("y ~ x + (1 | g)", data, known_sd="w", draws=20))
    assert "The standard deviations of the rows are known; they are in w." in known


def test_student_t_effects_have_a_scale() -> None:
    fit = synthetic_fit("y ~ x + (1 | g)", table(80), draws=200)
    posterior = fit.draws["posterior"].to_dataset()
    posterior["g_nu"] = posterior["sigma"] * 0 + 4.0
    draws = xr.DataTree.from_dict({"posterior": posterior, "sample_stats": fit.draws["sample_stats"].to_dataset()})
    draws.attrs = fit.draws.attrs
    text = " ".join(story(replace(fit, draws=draws)._parts))
    assert "Groups of g differ for the same x: the scale of their Student-t distribution is" in text
    assert "less than their sd" in text


@pytest.mark.parametrize(
    ("rows", "words"), [(6, "from their own estimates to the common one."), (3000, "hardly pulls")]
)
def test_groups_that_are_pulled_alike_are_told_once(rows: Any, words: Any) -> None:
    data = table(rows).assign(s=lambda t: np.where(t.index % 2, "a", "b"))
    assert words in told(synthetic_fit("y ~ (1 | s)", data, draws=200))


@pytest.mark.parametrize(
    ("share", "words"), [(0.01, "hardly at all"), (1 / 3, "a third of the way"), (1.0, "nearly all of the way")]
)
def test_fractions_in_words(share: Any, words: Any) -> None:
    assert fraction(share) == words


@pytest.mark.parametrize("size", [-9.0, 9.0])
def test_outlying_groups_are_named_with_direction_and_size(size: Any) -> None:
    fit = synthetic_fit("y ~ x + (1 | g)", many_groups(40), draws=100)
    posterior = fit.draws["posterior"].to_dataset()
    posterior["1|g"] = 0.1 * posterior["1|g"]
    posterior["1|g"][..., 7] += size
    fit.draws["posterior"] = xr.DataTree(posterior)
    text = " ".join(story(replace(fit, draws=fit.draws)._parts))
    deviation = abs(float(posterior["1|g"][..., 7].mean()))
    side = "above" if size > 0 else "below"
    assert f"Out of the ordinary: group 7 of g (its level is {deviation:.3g} {side} the common one)." in text


@pytest.mark.parametrize(("groups", "looked_for"), [(500, True), (501, False)])
def test_outlying_groups_are_looked_for_among_at_most_500(groups: Any, looked_for: Any) -> None:
    fit = synthetic_fit("y ~ x + (1 | g)", many_groups(groups), draws=20)
    assert ("g" in fit._parts.unusual) == looked_for


def test_that_outlying_groups_were_not_looked_for_is_said() -> None:
    fit = synthetic_fit("y ~ x + (1 | g)", many_groups(600), draws=20)
    assert "Outlying groups of g were not looked for, because there are 600 of them." in told(fit)


def test_a_run_that_did_not_converge_says_so_first() -> None:
    fit = synthetic_fit("y ~ x + (x | g)", table(), draws=3)
    said = "These numbers cannot be trusted yet: there are too few draws to tell (few draws)."
    assert story(fit._parts)[0] == f"{said} What follows may be wrong."
    page = fit.report().html
    assert f"{said} What follows may be wrong." in page
    assert not any("trusted" in sentence for sentence in first_screen(fit._parts))  # it is above, and once is enough
    assert page.index("cannot be trusted") < page.index("What was found")
    assert '<p class="verdict untrusted">' in fit._repr_html_()


def test_models_without_groups_are_told() -> None:
    fit = synthetic_fit("y ~ x", table(80), chains=4, draws=400)
    assert "the model has no groups" in story(fit._parts)[0]
    assert "What was found" in fit.report().html


def test_names_of_groups_can_be_left_out() -> None:
    data = table(80).assign(g=lambda t: t.g.map(lambda g: f"secret{g}"))
    fit = synthetic_fit("y ~ x + (x | g)", data, draws=200)
    assert "secret" in fit.report().html
    page = fit.report(include_levels=False).html
    assert "secret" not in page
    assert "group 3" in page
    hidden = without_levels(fit._parts)
    np.testing.assert_array_equal(hidden.posterior.dataset["1|g"], fit._parts.posterior.dataset["1|g"])


def test_sections_can_be_chosen() -> None:
    fit = synthetic_fit("y ~ x + (x | g)", table(80), draws=200)
    titles = [section.title for section in report_sections(fit._parts, ["method", "found"])]
    assert titles == [
        "What was found",
        *(f"{what}, to be pasted" for what in ("Results", "Methods")),
        "How to do it again",
    ]
    assert set(SECTIONS) >= {"found", "trust", "groups", "pooling", "curves", "priors", "data"}


def test_every_picture_says_what_it_shows() -> None:
    fit = synthetic_fit("y ~ x + (x | g)", table(80), draws=200)
    pictures = {section.title: section.picture.alt for section in report_sections(fit._parts) if section.picture}
    assert len(pictures) == 9
    assert all(alt.count(".") >= 2 for alt in pictures.values())
    deviations: Any = fit.group_effects().table().query("effect == 'x'")
    low, high = deviations.estimate.min(), deviations.estimate.max()
    (shown,) = (alt for title, alt in pictures.items() if "clearly from the common level" in title)
    assert f"deviation, x: from {low:.3g} to {high:.3g}, " in shown
    (shares,) = (alt for title, alt in pictures.items() if "unexplained variance" in title)
    assert "exclude zero" not in shares


def test_thinned_draws_are_about_a_thousand() -> None:
    fit = sleepstudy_fit()
    assert fit._parts.thinned.size == 1000
    assert fit._parts.posterior.thinned(100).size == 100
