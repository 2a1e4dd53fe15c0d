from typing import Any

import numpy as np
import pytest
from synthetic import design_of, table

from hierkit.errors import HierkitError
from hierkit.model.distributions import make_prior
from hierkit.model.priors import make_priors, moved_to_centre


def test_gaussian_defaults(data: Any) -> None:
    priors = make_priors(design_of("y ~ x + k + (x | g)", data))
    sd_y, sd_x, sd_b = data.y.std(ddof=0), data.x.std(ddof=0), (data.k == "b").std(ddof=0)
    expected = {
        "Intercept": make_prior("Normal", data.y.mean(), 2.5 * sd_y),
        "x": make_prior("Normal", 0, 2.5 * sd_y / sd_x),
        "k[b]": make_prior("Normal", 0, 2.5 * sd_y / sd_b),
        "sigma": make_prior("HalfStudentT", 4, sd_y),
        "sd(Intercept|g)": make_prior("HalfNormal", 2.5 * sd_y),
        "sd(x|g)": make_prior("HalfNormal", 2.5 * sd_y / sd_x),
        "cor(g)": make_prior("LKJ", 2),
    }
    for name, prior in expected.items():
        assert priors[name].name == prior.name
        np.testing.assert_allclose(list(priors[name].args.values()), list(prior.args.values()))
    assert list(priors) == ["Intercept", "x", "k[b]", "k[a]", "sigma", "sd(Intercept|g)", "sd(x|g)", "cor(g)"]


def test_bernoulli_defaults(data: Any) -> None:
    priors = make_priors(design_of("flag ~ x + (x || g)", data, "bernoulli"))
    slope = 2.5 / data.x.std(ddof=0)
    assert priors["Intercept"] == make_prior("Normal", 0, 2.5)
    assert priors["x"].args["sigma"] == pytest.approx(slope)
    assert priors["sd(Intercept|g)"] == make_prior("HalfNormal", 2.5)
    assert priors["sd(x|g)"].args["sigma"] == pytest.approx(slope)
    assert "sigma" not in priors
    assert "cor(g)" not in priors


@pytest.mark.parametrize("family", ["gaussian", "bernoulli"])
def test_zero_of_x_changes_nothing(data: Any, family: Any) -> None:
    outcome = "y" if family == "gaussian" else "flag"
    text = f"{outcome} ~ x * z + k * x + I(x**2) + (x * z | g) + (k * x + I(x**2) | s)"
    here = make_priors(design_of(text, data, family))
    there = make_priors(design_of(text, data.assign(x=data.x + 2000), family))
    moved = [name for name in here if str(here[name]) != str(there[name])]
    # beside an interaction or a power these are slopes and levels where x is zero, now 2,000 away
    assert moved == ["x", "z", "k[b]", "k[a]"]
    assert min(there[name].args["sigma"] / here[name].args["sigma"] for name in moved) > 100


def test_residual_sds_scale_what_interacts(data: Any) -> None:
    """x beside x:z is scaled by the sd that z and x:z leave of it, written out here by least squares."""
    priors = make_priors(design_of("y ~ x * z", data))
    others = np.column_stack([np.ones(len(data)), data.z, data.x * data.z])
    left = data.x - others @ np.linalg.lstsq(others, data.x, rcond=None)[0]
    assert priors["x"].args["sigma"] == pytest.approx(2.5 * data.y.std(ddof=0) / left.std(ddof=0), rel=1e-6)


def test_counts_and_the_same_trials_as_rows_have_one_prior() -> None:
    counts = table(40)
    rows = counts.loc[counts.index.repeat(counts.tries)].reset_index(drop=True)
    place = rows.groupby(counts.index.repeat(counts.tries)).cumcount()
    rows["hit"] = (place < rows.hits).astype(int)
    one = make_priors(design_of("p(hits, tries) ~ x * z + (x | g)", counts, "bernoulli"))
    other = make_priors(design_of("hit ~ x * z + (x | g)", rows, "bernoulli"))
    assert {name: str(prior) for name, prior in one.items()} == {name: str(prior) for name, prior in other.items()}


def test_where_priors_hold(data: Any) -> None:
    """At the centre, unless the user sets one that means another thing where x is zero."""
    design = design_of("y ~ x + (x | g) + (1 | s)", data)
    default = make_priors(design)
    assert default.holds == dict.fromkeys(["Intercept", "sd(Intercept|g)", "cor(g)"], "centre")
    assert make_priors(design, {"sd(x|g)": "Exponential(1)"}).holds == default.holds
    for name in ("sd(Intercept|g)", "sd(g)", "cor(g)"):
        prior = "LKJ(1)" if name.startswith("cor") else "Exponential(1)"
        chosen = make_priors(design, {name: prior})
        assert chosen.holds == {"Intercept": "centre", "sd(Intercept|g)": "zero", "cor(g)": "zero"}
        assert make_priors(design, chosen).holds == chosen.holds
    assert make_priors(design, default).holds == default.holds
    assert make_priors(design_of("y ~ x + (x || g)", data)).holds == {"Intercept": "centre"}


def test_levels_without_a_common_intercept_differ_from_zero(data: Any) -> None:
    y = data.y + 1000
    priors = make_priors(design_of("y ~ 0 + x + (1 | g)", data.assign(y=y)))
    assert priors["sd(Intercept|g)"].args["sigma"] == pytest.approx(2.5 * np.sqrt((y**2).mean()))


def test_zero_of_y_moves_the_intercept_only(data: Any) -> None:
    here = make_priors(design_of("y ~ x + (x | g)", data))
    there = make_priors(design_of("y ~ x + (x | g)", data.assign(y=data.y + 100)))
    assert [name for name in here if str(here[name]) != str(there[name])] == ["Intercept"]
    assert there["Intercept"].args["mu"] == pytest.approx(here["Intercept"].args["mu"] + 100)


def test_offset_is_taken_off_first(data: Any) -> None:
    plain = make_priors(design_of("y ~ x", data))
    offset = make_priors(design_of("y ~ x + offset(z)", data.assign(y=data.y + data.z)))
    assert offset["Intercept"].args == pytest.approx(dict(plain["Intercept"].args))


def test_bernoulli_offset_moves_the_intercept_only(data: Any) -> None:
    plain = make_priors(design_of("flag ~ x", data, "bernoulli"))
    offset = make_priors(design_of("flag ~ x + offset(z)", data, "bernoulli"))
    assert offset["Intercept"].args == pytest.approx({"mu": -data.z.mean(), "sigma": 2.5})
    assert offset["x"] == plain["x"]


def test_without_intercept_levels_have_the_intercepts_prior(data: Any) -> None:
    y = data.y + 1000
    priors = make_priors(design_of("y ~ 0 + h", data.assign(y=y)))
    for level in ("low", "mid", "top"):
        assert priors[f"h[{level}]"].args == pytest.approx({"mu": y.mean(), "sigma": 2.5 * y.std(ddof=0)})


def test_levels_where_predictors_are_zero_allow_for_the_way_there(data: Any) -> None:
    """With x around 2000 a level's line at x = 0 may be 2000 slopes away."""
    priors = make_priors(design_of("y ~ 0 + h + x", data.assign(x=data.x + 2000)))
    assert priors["h[low]"].args["sigma"] > 1990 * priors["x"].args["sigma"]


def test_through_the_origin_sizes_scale() -> None:
    priors = make_priors(design_of("y ~ 0 + x", table().assign(y=lambda d: d.y + 100, x=lambda d: d.x + 50)))
    assert priors["x"].args["sigma"] == pytest.approx(2.5 * 100 / 50, rel=0.01)


def test_rare_levels_do_not_widen_the_sds_of_levels(data: Any) -> None:
    data = data.assign(rare=np.where(np.arange(len(data)) == 0, "a", "b"))
    priors = make_priors(design_of("y ~ 1 + (0 + rare | g) + (0 + rare:x | s)", data))
    sd_y, sd_x = data.y.std(ddof=0), data.x.std(ddof=0)
    assert priors["sd(rare[a]|g)"].args["sigma"] == pytest.approx(2.5 * sd_y)
    assert priors["sd(rare[a]:x|s)"].args["sigma"] == pytest.approx(2.5 * sd_y / sd_x)


def test_student_t_has_degrees_of_freedom(data: Any) -> None:
    design = design_of("y ~ (1 | g) + (1 | s)", data)
    assert make_priors(design, effects="student_t")["nu(s)"] == make_prior("Gamma", 2, 0.1)
    assert "nu(s)" not in make_priors(design)


def test_names_for_several_parameters_yield_to_names_of_one(data: Any) -> None:
    design = design_of("y ~ k + (k | g)", data)
    priors = make_priors(
        design,
        {
            "k[b]": "Normal(0, 3)",
            "k": "Normal(0, 1)",
            "sd(Intercept|g)": "HalfNormal(7)",
            "sd(k|g)": "HalfNormal(5)",
            "sd(g)": "HalfNormal(2)",
        },
    )
    assert (str(priors["k[b]"]), str(priors["k[a]"])) == ("Normal(0, 3)", "Normal(0, 1)")
    assert (str(priors["sd(Intercept|g)"]), str(priors["sd(k[a]|g)"])) == ("HalfNormal(7)", "HalfNormal(5)")
    assert priors.from_user == {"k[b]", "k[a]", "sd(Intercept|g)", "sd(k[b]|g)", "sd(k[a]|g)"}


def test_another_fits_priors(data: Any) -> None:
    first = make_priors(design_of("y ~ x + (x | g)", data), {"x": "Normal(0, 1)"})
    again = make_priors(design_of("y ~ x + (x | g)", table(seed=1)), first)
    assert dict(again) == dict(first)


def test_table_and_print(data: Any) -> None:
    priors = make_priors(design_of("y ~ x", data), {"x": "Normal(0, 1)"})
    shown = priors.table()
    assert shown.columns.tolist() == ["parameter", "prior", "holds", "set_by"]
    assert list(shown.set_index("parameter").loc["x"]) == ["Normal(0, 1)", "", "user"]
    assert shown.set_index("parameter").loc["Intercept", "holds"] == "at the means"
    assert "Normal(0, 1)" in repr(priors)


@pytest.mark.parametrize(
    ("priors", "message"),
    [
        ({"wiat": "Normal(0, 1)"}, r"no parameter 'wiat'.*Did you mean 'wait'\?"),
        ({"qqq": "Normal(0, 1)"}, "The parameters are Intercept, wait, sigma, sd"),
        ({"sigma": "Normal(0, 1)"}, "does not fit it. It takes HalfNormal"),
        ({"sd(g)": "Uniform(-1, 1)"}, "Uniform from 0 or more"),
        ({"cor(g)": "Normal(0, 1)"}, r"Correlations take LKJ\(eta\)"),
        ({"wait": "LKJ(2)"}, "A coefficient takes"),
    ],
)
def test_refused(data: Any, priors: Any, message: Any) -> None:
    design = design_of("y ~ wait + (wait | g)", data.rename(columns={"x": "wait"}))
    with pytest.raises(HierkitError, match=message):
        make_priors(design, priors)


@pytest.mark.parametrize(("mean", "moved"), [(9.5, False), (10.5, True)])
def test_own_priors_at_a_zero_ten_sds_away_are_moved_to_the_centre(mean: Any, moved: Any) -> None:
    data = table(60).assign(x=mean + np.where(np.arange(60) % 2, 1.0, -1.0))
    design = design_of("y ~ x + (x | g)", data)
    priors = make_priors(design, {"sd(Intercept|g)": "Exponential(1)"})
    assert moved_to_centre(design.factors[0], priors) == moved
    assert not moved_to_centre(design.factors[0], make_priors(design))


def test_a_prior_is_found_under_lme4s_name_of_an_sd() -> None:
    priors = make_priors(design_of("y ~ x + (x | g)", table()))
    assert priors["sd(1|g)"] == priors["sd(Intercept|g)"]
    assert "sd(1|g)" in priors
    assert "sd(2|g)" not in priors
