"""nutpie's undocumented class, and the documented way should it be another one."""

from typing import Any

import numpy as np
import pytest
from nutpie import compile_pymc

import hierkit
from hierkit.errors import HierkitWarning


@pytest.mark.parametrize("changed", [TypeError("unexpected argument"), AttributeError("no such class")])
def test_another_release_of_nutpie_draws_the_same(monkeypatch: Any, changed: Any) -> None:
    """CompiledPyMCModel is what `nutpie<0.17` is pinned for."""
    data = hierkit.datasets.csat_slopes().query("team < 8")
    options: dict[str, Any] = {"random_seed": 1, "progressbar": False, "draws": 200, "tune": 200}

    def fit() -> Any:
        return hierkit.fit("csat ~ wait + (1 | team)", data, **options).draws["posterior"]["wait"].values

    expected = fit()

    def refuse(**fields: Any) -> Any:
        raise changed

    monkeypatch.setattr(compile_pymc, "CompiledPyMCModel", refuse)
    with pytest.warns(HierkitWarning, match="This release of nutpie is not one that hierkit knows: sampling is slower"):
        found = fit()
    np.testing.assert_array_equal(found, expected)


def test_points_without_a_density_are_left() -> None:
    """Through Python too: where a density is not finite, the answer says so."""
    from hierkit.sampling.kernels import nutpie_model

    class Broken:
        @staticmethod
        def ctypes(size: int, x: Any, gradient: Any, value: Any, data: int) -> int:
            value[0], gradient[0], gradient[1] = 1.0, np.nan, 0.0
            return 3

    model = nutpie_model._through_python(Broken(), np.zeros(1), 2, lambda seed: np.zeros(2))
    value, _ = model._make_logp_func()(np.zeros(2))
    assert value == -np.inf
