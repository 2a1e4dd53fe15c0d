from typing import Any

import numpy as np
import pytest

from hierkit.errors import HierkitError
from hierkit.sampling.settings import Settings, make_settings


def test_defaults() -> None:
    settings = make_settings(random_seed=5)
    assert settings == Settings(1000, 1000, 4, None, 5, 0.8, "nutpie", True)


def test_careful_is_a_quarter_of_the_way() -> None:
    assert make_settings(random_seed=0).careful_target_accept == pytest.approx(0.95)
    assert make_settings(random_seed=0, target_accept=0.95).careful_target_accept == pytest.approx(0.9875)


def test_seeds() -> None:
    assert make_settings(random_seed=np.int64(3)).random_seed == 3  # type: ignore[arg-type]
    one, other = (make_settings(random_seed=np.random.default_rng(1)).random_seed for _ in range(2))
    assert one == other
    assert make_settings().random_seed != make_settings().random_seed


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"draws": 0}, "draws=0"),
        ({"tune": -1}, "tune=-1"),
        ({"chains": 1.5}, "chains=1.5"),
        ({"cores": 0}, "cores=0"),
        ({"draws": True}, "draws=True"),
        ({"target_accept": 1}, "between 0 and 1"),
        ({"random_seed": -1}, "random_seed=-1"),
        ({"random_seed": "x"}, "random_seed='x'"),
        ({"nuts_sampler": "stan"}, "'nutpie', 'pymc', 'numpyro', 'blackjax'"),
    ],
)
def test_refused(option: Any, message: Any) -> None:
    with pytest.raises(HierkitError, match=message):
        make_settings(**option)
