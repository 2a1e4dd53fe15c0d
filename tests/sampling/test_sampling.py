"""What is chosen where the user says nothing."""

from typing import Any

import numpy as np
import pytest
from synthetic import design_of, table

from hierkit.sampling import default_target_accept


@pytest.mark.parametrize(("groups", "target"), [(9, 0.9), (10, 0.8)])
def test_smaller_steps_where_a_factor_has_fewer_than_ten_groups(groups: Any, target: Any) -> None:
    design = design_of("y ~ x + (1 | g)", table(60).assign(g=np.arange(60) % groups))
    assert default_target_accept(design) == target


def test_models_without_groups_take_ordinary_steps() -> None:
    assert default_target_accept(design_of("y ~ x", table(60))) == 0.8
