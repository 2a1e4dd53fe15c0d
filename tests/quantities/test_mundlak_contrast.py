import numpy as np
import pytest
from synthetic import design_of, synthetic_draws, table

import hierkit
from hierkit.errors import HierkitError
from hierkit.posterior.posterior import Posterior
from hierkit.quantities.mundlak_contrast import mundlak_contrast


def test_between_less_within() -> None:
    design = design_of("y ~ x_within + x_between + (1 | g)", hierkit.center_within(table(80), "x", by="g"))
    posterior = synthetic_draws(design)
    quantity = mundlak_contrast(Posterior(posterior, design), "x")
    np.testing.assert_allclose(quantity.draws["contrast"], posterior["x_between"] - posterior["x_within"])
    assert quantity.table().quantity.tolist() == ["within", "between", "contrast"]


def test_a_predictor_that_was_not_split() -> None:
    design = design_of("y ~ x + (1 | g)", table())
    with pytest.raises(HierkitError, match=r"has no x_within and x_between.*center_within\(data, \"x\""):
        mundlak_contrast(Posterior(synthetic_draws(design), design), "x")
