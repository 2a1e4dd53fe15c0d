"""One grammar of names."""

from typing import Any

import pytest
from synthetic import design_of, table

from hierkit.errors import HierkitError
from hierkit.model import names
from hierkit.model.names import FactorNames, Kind, kind_of
from hierkit.model.priors import make_priors

TAKEN = ("Intercept", "sigma", "sd(1|g)", "sd(Intercept|g)", "cor(x)", "nu(g)")
LIKE_FUNCTIONS = ("Treatment", "Sum", "C", "S", "T", "I", "scale", "np", "log", "p", "offset", "poly", "bs")


def test_every_parameter_that_is_made_is_read() -> None:
    made = {
        names.sd("wait", "team"): Kind.SD,
        names.all_sds("team"): Kind.SD,
        names.correlations("team"): Kind.CORRELATION,
        names.correlation("Intercept", "wait", "team"): Kind.CORRELATION,
        names.degrees("team"): Kind.DEGREES,
        "sigma": Kind.RESIDUAL_SD,
        "Intercept": Kind.COEFFICIENT,
        "wait": Kind.COEFFICIENT,
        "I(sd + 1)": Kind.COEFFICIENT,
        "sd": Kind.COEFFICIENT,
        "sd(x) y": Kind.COEFFICIENT,
    }
    assert {name: kind_of(name) for name in made} == made


def test_names_in_the_draws_are_bambis() -> None:
    team = FactorNames("team")
    assert (team.effects("1"), team.sd("wait"), team.group_dim) == ("1|team", "wait|team_sigma", "team__factor_dim")


def test_lme4s_name_of_a_groups_intercept_is_understood_in_priors() -> None:
    design = design_of("y ~ x + (x | g)", table())
    old, new = (make_priors(design, {name: "Exponential(3)"}) for name in ("sd(1|g)", "sd(Intercept|g)"))
    assert dict(old) == dict(new)
    assert str(new["sd(Intercept|g)"]) == "Exponential(3)"


@pytest.mark.parametrize("name", TAKEN)
@pytest.mark.parametrize("formula", ["y ~ `{}` + (1 | g)", "y ~ x + (`{}` | g)", "y ~ x + (0 + `{}` | g)"])
def test_a_predictor_with_the_name_of_a_parameter_is_refused(name: Any, formula: Any) -> None:
    data = table().assign(**{name: lambda rows: rows.x**2})
    with pytest.raises(HierkitError, match=r"A predictor is called .* names of parameters\. Rename the column"):
        design_of(formula.format(name), data)


@pytest.mark.parametrize("name", LIKE_FUNCTIONS)
def test_a_column_called_like_a_function_is_a_column(name: Any) -> None:
    data = table()
    renamed = data.rename(columns={"x": name})
    for formula in ("y ~ {} + ({} | g)", "y ~ scale({}) + (1 | g)", "y ~ C(g, Sum) * {}"):
        want = design_of(formula.replace("{}", "x"), data)
        found = design_of(formula.replace("{}", name), renamed)
        assert (found.X == want.X).all()
        assert all((one.Z == other.Z).all() for one, other in zip(found.factors, want.factors, strict=True))
