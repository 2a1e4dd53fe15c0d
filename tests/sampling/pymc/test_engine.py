"""PyMC's engine draws under the same names, dims and labels as the others, whatever columns are called."""

from pathlib import Path
from typing import Any

import pytensor
import pytest
from engines import check_same_posterior
from synthetic import design_of, table

import hierkit
from hierkit.errors import HierkitError
from hierkit.model.priors import make_priors
from hierkit.sampling.draws import template
from hierkit.sampling.pymc.engine import sample_prior

WITH_COMMAS = "y ~ z * poly(x, 2) + bs(z, df=4):h + (z:poly(x, 2) | g)"


@pytest.mark.filterwarnings("ignore::hierkit.errors.SamplingWarning")
def test_names_with_commas_are_labelled_as_in_other_engines_and_saved(tmp_path: Path) -> None:
    options: dict[str, Any] = {"draws": 20, "tune": 20, "chains": 1, "random_seed": 1, "progressbar": False}
    data = table().rename(columns={"g": "a, b"})
    fit = hierkit.fit(WITH_COMMAS.replace("| g", "| `a, b`"), data, engine="pymc", **options)
    assert_labels(fit.draws["posterior"].to_dataset(), template(fit.design, "normal"))
    fit.save(tmp_path / "fit")
    assert hierkit.load(tmp_path / "fit").draws.equals(fit.draws)


def test_draws_of_priors_have_the_same_labels() -> None:
    design = design_of("y ~ poly(x, 2):poly(z, 2) + (1 | g)", table())
    assert_labels(sample_prior(design, make_priors(design), "normal", 5, 1), template(design, "normal"))


def assert_labels(draws: Any, like: Any) -> None:
    assert set(draws) == set(like)
    for name, variable in like.items():
        assert draws[name].dims == variable.dims
        for dim in variable.dims[2:]:
            assert draws[name].coords[dim].values.tolist() == variable.coords[dim].values.tolist()


@pytest.mark.slow
@pytest.mark.parametrize("formula", ["y ~ z * poly(x, 2) + (1 | g)", "y ~ bs(x, df=4):z + (poly(x, 2) | g)"])
def test_same_posterior_with_names_that_have_commas(formula: str) -> None:
    check_same_posterior(formula, table(120), "gaussian", {}, "marginal")


def test_no_folder_to_compile_in_is_said_with_the_way_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(config: Any) -> str:
        raise ValueError("Unable to create the compiledir directory")

    monkeypatch.setattr(type(pytensor.config), "compiledir", property(refuse))
    with pytest.raises(HierkitError, match=r"PyTensor cannot write to .*Set the environment variable PYTENSOR_FLAGS"):
        hierkit.fit("y ~ x + (x | g)", table(), engine="pymc", progressbar=False)
    with pytest.raises(HierkitError, match=r"PyTensor cannot write to"):
        sample_prior(design_of("y ~ x", table()), make_priors(design_of("y ~ x", table())), "normal", 5, 1)
