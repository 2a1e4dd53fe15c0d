"""What is chosen where the user says nothing."""

from typing import Any

import numpy as np
import pytest
from synthetic import design_of, table

from hierkit.model.priors import make_priors
from hierkit.sampling import default_target_accept, default_tune
from hierkit.sampling.engines import choose


@pytest.mark.parametrize(("groups", "target"), [(9, 0.9), (10, 0.8)])
def test_smaller_steps_where_a_factor_has_fewer_than_ten_groups(groups: Any, target: Any) -> None:
    design = design_of("y ~ x + (1 | g)", table(60).assign(g=np.arange(60) % groups))
    assert default_target_accept(design) == target


def test_models_without_groups_take_ordinary_steps() -> None:
    assert default_target_accept(design_of("y ~ x", table(60))) == 0.8


@pytest.mark.parametrize(
    ("prior", "tune"), [({}, 500), ({"x": "Normal(0, 1)"}, 500), ({"sd(Intercept|g)": "Exponential(1)"}, 2000)]
)
def test_more_tuning_where_own_priors_hold_at_a_zero_beside_the_rows(prior: dict[str, str], tune: int) -> None:
    design = design_of("y ~ x + (x | g)", table(60).assign(x=lambda rows: rows.x + 4))
    priors = make_priors(design, prior)
    assert default_tune(choose("auto", design, priors), design, priors) == tune
