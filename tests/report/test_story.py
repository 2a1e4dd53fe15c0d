"""What was found, in sentences that hold the numbers of the quantities."""

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import xarray as xr
from synthetic import many_groups, sleepstudy_fit, synthetic_fit, table

from hierkit.report.parts import without_levels
from hierkit.report.sections import SECTIONS, report_sections
from hierkit.report.story import story


def test_the_sentences_hold_the_numbers_of_the_tables() -> None:
    fit = sleepstudy_fit()
    text = " ".join(story(fit._parts))
    sds: Any = fit.variance_components().table().set_index("component")
    slope = fit.coefficients().table().set_index("term").loc["Days"]
    assert f"standard deviation of {sds.loc['sd(Intercept|Subject)', 'estimate']:.3g} (" in text
    assert f"changes Reaction by {slope.estimate:.3g} ({slope.ci_lower:.3g} to {slope.ci_upper:.3g})" in text
    assert f"with a standard deviation of {sds.loc['sd(Days|Subject)', 'estimate']:.3g} (" in text
    level = sds.loc["sd(Intercept|Subject)", "estimate"]
    assert f"their level where Days is 0 varies between them with a standard deviation of {level:.3g} (" in text
    assert f"residual standard deviation of {sds.loc['sigma', 'estimate']:.3g} (" in text
    shares: Any = fit.icc().table(long=True).set_index("quantity")
    assert f"At the means of the predictors, {shares.loc['latent', 'estimate']:.0%} (" in text
    assert "Groups of Subject keep about" in text  # each has ten rows


def test_odds_are_told_within_and_across() -> None:
    fit = synthetic_fit("won ~ x + h + (1 | g)", table(80), "bernoulli", draws=100)
    text = " ".join(story(fit._parts))
    ratio = fit.coefficients().table(long=True).query("quantity == 'odds_ratio' and term == 'x'").iloc[0]
    assert f"One more unit of x multiplies the odds of won = True by {ratio.estimate:.3g} (" in text
    assert "across the population" in text


@pytest.mark.parametrize(
    ("formula", "family", "sentence"),
    [
        ("y ~ x * h + z + (1 | g)", "gaussian", "The coefficient of x:h[mid] is"),
        (
            "y ~ x * h + z + (1 | g)",
            "gaussian",
            ", where the predictors it interacts with are zero or at their reference level; see slopes().",
        ),
        ("won ~ x * z + (1 | g)", "bernoulli", "The odds ratio of x:z is"),
        ("flag ~ x + (1 | g)", "bernoulli", "One more unit of x multiplies the odds of flag = yes by"),
        ("p(hits, tries) ~ x + (1 | g)", "bernoulli", "the odds of a success in p(hits, tries) by"),
        ("y ~ bs(x, df=4) + (1 | g)", "gaussian", "The coefficient of bs(x, df=4)[0] is"),
        ("y ~ 0 + h + s + (1 | g)", "gaussian", "Where h is low and s is E, y has a mean of"),
        ("y ~ h + (h || g)", "gaussian", "Their further difference where h is low varies"),
        ("y ~ x + (x * z | g)", "gaussian", "their level where x is 0 and z is 0 varies"),
        ("y ~ rounded + (1 | g)", "gaussian", ", a comparison between groups of g."),
        ("y ~ x * h + z + (1 | g)", "gaussian", "One more unit of z changes y by"),
        ("y ~ k + (1 | g)", "gaussian", "k = b instead of c changes y by"),
        ("y ~ 0 + k + x + (1 | g)", "gaussian", "Where k is b and x is 0, y has a mean of"),
        ("won ~ 0 + k + (1 | g)", "bernoulli", "Where k is b, the odds of won = True are"),
        ("y ~ area + x + (1 | g)", "gaussian", ", a comparison between groups of g."),
        ("won ~ area + (1 | g)", "bernoulli", "between otherwise similar groups of g, and by"),
        ("y ~ x + (x + k | g)", "gaussian", "their level where x is 0 and k is c varies"),
        ("y ~ x + (x + k | g)", "gaussian", "The difference between k = b and c varies between them"),
        ("y ~ 1 + (0 + k | g)", "gaussian", "Groups of g differ: their level where k is c varies"),
        ("y ~ 1 + (0 + x | g)", "gaussian", "the effect of x varies between them"),
        ("y ~ 1 + (0 + x | g)", "gaussian", "units of y per unit of x."),
        ("y ~ x + (x | g) + (x | s)", "gaussian", "It differs between groups of s, with a standard deviation of"),
        ("won ~ x + (x | g)", "bernoulli", "log odds."),
        ("y ~ x + offset(z) + (1 | g)", "gaussian", "in addition to each row's offset"),
    ],
)
def test_each_kind_of_term_has_its_words(formula: Any, family: Any, sentence: Any) -> None:
    data = table(120).assign(area=lambda t: t.g / 50, rounded=lambda t: t.g / 7 + t.x - t.x)
    fit = synthetic_fit(formula, data, family, draws=20)
    assert sentence in " ".join(story(fit._parts))


def test_student_t_effects_have_a_scale() -> None:
    fit = synthetic_fit("y ~ x + (1 | g)", table(80), draws=200)
    posterior = fit.draws["posterior"].to_dataset()
    posterior["g_nu"] = posterior["sigma"] * 0 + 4.0
    draws = xr.DataTree.from_dict({"posterior": posterior, "sample_stats": fit.draws["sample_stats"].to_dataset()})
    draws.attrs = fit.draws.attrs
    text = " ".join(story(replace(fit, draws=draws)._parts))
    assert "varies between them with a Student-t scale of" in text
    assert "less than their sd" in text


def test_shares_that_round_alike_are_told_once() -> None:
    data = table(600).assign(s=lambda t: np.where(t.index < 301, "a", "b"))
    fit = synthetic_fit("y ~ (1 | s)", data, draws=200)
    assert re.search(r"keep about \d+% of their own evidence;", " ".join(story(fit._parts)))


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
    assert f"Outlying groups of g: 7 (its level is {deviation:.3g} units of y {side} the common one)." in text


@pytest.mark.parametrize(("groups", "looked_for"), [(500, True), (501, False)])
def test_outlying_groups_are_looked_for_among_at_most_500(groups: Any, looked_for: Any) -> None:
    fit = synthetic_fit("y ~ x + (1 | g)", many_groups(groups), draws=20)
    assert ("g" in fit._parts.unusual) == looked_for


def test_that_outlying_groups_were_not_looked_for_is_said() -> None:
    fit = synthetic_fit("y ~ x + (1 | g)", many_groups(600), draws=20)
    assert "Outlying groups of g were not looked for, because there are 600 groups." in " ".join(story(fit._parts))


def test_a_run_that_did_not_converge_says_so_first() -> None:
    fit = synthetic_fit("y ~ x + (x | g)", table(), draws=3)
    assert story(fit._parts)[0] == "The draws cannot be trusted yet: few draws. What follows may be wrong."
    page = fit.report().html
    assert page.index("cannot be trusted") < page.index("What was found")
    assert '<p class="untrusted">' in fit._repr_html_()


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
    assert titles == ["What was found", "How it was computed"]
    assert set(SECTIONS) >= {"found", "trust", "groups", "pooling", "curves", "priors", "data"}


def test_every_picture_says_what_it_shows() -> None:
    fit = synthetic_fit("y ~ x + (x | g)", table(80), draws=200)
    pictures = {section.title: section.picture.alt for section in report_sections(fit._parts) if section.picture}
    assert len(pictures) == 6
    deviations = fit.group_effects().table(long=True).query("quantity == 'deviation' and effect == 'x'").estimate
    low, high = deviations.min(), deviations.max()
    assert f"deviation, x: from {low:.3g} to {high:.3g}, " in pictures["Groups of g"]
    assert "exclude zero" not in pictures["How the variance divides"]


def test_thinned_draws_are_about_a_thousand() -> None:
    fit = sleepstudy_fit()
    assert fit._parts.thinned.size == 1000
    assert fit._parts.posterior.thinned(100).size == 100
