"""What was found, in sentences that hold the numbers of the quantities."""

import numpy as np
from synthetic import sleepstudy_fit, synthetic_fit, table

from hierkit.report.parts import thinned, without_levels
from hierkit.report.sections import SECTIONS, report_sections
from hierkit.report.story import story


def test_the_sentences_hold_the_numbers_of_the_tables():
    fit = sleepstudy_fit()
    text = " ".join(story(fit._parts))
    sds = fit.variance_components().table().set_index("component")
    slope = fit.coefficients().table().set_index("term").loc["Days"]
    assert f"standard deviation of {sds.loc['sd(1|Subject)', 'estimate']:.3g} (" in text
    assert f"changes Reaction by {slope.estimate:.3g} ({slope.ci_lower:.3g} to {slope.ci_upper:.3g})" in text
    assert f"with a standard deviation of {sds.loc['sd(Days|Subject)', 'estimate']:.3g} (" in text
    assert "of the variance lies between them" in text
    assert "A group of Subject keeps between" in text
    assert "groups of Subject" in text


def test_odds_are_told_within_and_across():
    fit = synthetic_fit("won ~ x + h + (1 | g)", table(80), "bernoulli", draws=100)
    text = " ".join(story(fit._parts))
    ratio = fit.coefficients().table().query("quantity == 'odds_ratio' and term == 'x'").iloc[0]
    assert f"One unit more of x multiplies the odds by {ratio.estimate:.3g} (" in text
    assert "across the population" in text


def test_categories_and_interactions_are_terms_not_units():
    fit = synthetic_fit("y ~ x * h + z + (1 | g)", table(80), draws=100)
    text = " ".join(story(fit._parts))
    assert "The term h[mid] changes y by" in text
    assert "The term x:h[mid] changes" in text
    assert "The term x changes" in text
    assert "One unit more of z changes y by" in text


def test_a_run_that_did_not_converge_says_so_first():
    fit = synthetic_fit("y ~ x + (x | g)", table(), draws=3)
    assert story(fit._parts)[0].startswith("The draws cannot be trusted yet (few draws")
    page = fit.report().html
    assert page.index("cannot be trusted") < page.index("What was found")
    assert '<p class="untrusted">' in fit._repr_html_()


def test_models_without_groups_are_told():
    fit = synthetic_fit("y ~ x", table(80), chains=4, draws=400)
    assert "the model has no groups" in story(fit._parts)[0]
    assert "What was found" in fit.report().html


def test_names_of_groups_can_be_left_out():
    data = table(80).assign(g=lambda t: t.g.map(lambda g: f"secret{g}"))
    fit = synthetic_fit("y ~ x + (x | g)", data, draws=200)
    assert "secret" in fit.report().html
    page = fit.report(include_levels=False).html
    assert "secret" not in page
    assert "group 3" in page
    hidden = without_levels(fit._parts)
    np.testing.assert_array_equal(hidden.posterior["1|g"], fit._parts.posterior["1|g"])


def test_sections_can_be_chosen():
    fit = synthetic_fit("y ~ x + (x | g)", table(80), draws=200)
    titles = [section.title for section in report_sections(fit._parts, ["method", "found"])]
    assert titles == ["What was found", "How it was computed"]
    assert set(SECTIONS) >= {"found", "trust", "groups", "pooling", "curves", "priors", "data"}


def test_every_picture_says_what_it_shows():
    fit = synthetic_fit("y ~ x + (x | g)", table(80), draws=200)
    pictures = [section.picture for section in report_sections(fit._parts) if section.picture is not None]
    assert len(pictures) == 5
    for picture in pictures:
        assert "The numbers are in the table below" in picture.alt


def test_thinned_draws_are_about_a_thousand():
    fit = sleepstudy_fit()
    posterior = thinned(fit._parts.posterior)
    assert posterior.sizes["chain"] * posterior.sizes["draw"] == 1000
