"""fit() from end to end."""

import signal
import subprocess
import sys
import textwrap
import time
import warnings
from typing import Any

import bambi
import numpy as np
import pandas as pd
import pytest
from synthetic import reference_table, sleepstudy_fit, synthetic_fit, table

import hierkit
from hierkit.errors import HierkitError, HierkitWarning, SamplingWarning

QUICK: dict[str, Any] = {"draws": 30, "tune": 30, "chains": 2, "progressbar": False, "random_seed": 1}


def quickly(formula: str, data: pd.DataFrame, **options: Any) -> hierkit.Fit:
    """A fit too short to be trusted, for what does not depend on it."""
    with pytest.warns(SamplingWarning, match="cannot be trusted yet"):
        return hierkit.fit(formula, data, **(QUICK | options))


@pytest.mark.slow
def test_names_dims_and_labels_of_the_draws(sleepstudy: Any) -> None:
    posterior = sleepstudy.draws["posterior"].to_dataset()
    effects = {"1|Subject", "Days|Subject", "1|Subject_sigma", "Days|Subject_sigma", "Subject_corr"}
    assert set(posterior) == {"Intercept", "Days", "sigma"} | effects
    assert posterior["Subject_corr"].dims == ("chain", "draw", "Subject_effect", "Subject_effect_other")
    assert posterior["Subject_corr"].Subject_effect.values.tolist() == ["1", "Days"]
    assert posterior["1|Subject"].dims == ("chain", "draw", "Subject__factor_dim")
    assert posterior["1|Subject"].Subject__factor_dim.values.tolist()[:3] == ["308", "309", "310"]
    assert posterior.sizes["chain"] == 4
    assert set(sleepstudy.draws.children) == {"posterior", "sample_stats", "observed_data", "constant_data"}
    assert sleepstudy.draws["observed_data"]["Reaction"].shape == (180,)


@pytest.mark.slow
def test_attributes_say_how(sleepstudy: Any) -> None:
    attrs = sleepstudy.draws.attrs
    assert (attrs["engine"], attrs["random_seed"], attrs["draws"], attrs["chains"]) == ("marginal", 1, 1000, 4)
    assert attrs["versions"]["hierkit"] == hierkit.__version__


@pytest.mark.slow
def test_statistics_have_the_names_that_arviz_looks_for(sleepstudy: Any) -> None:
    assert {"diverging", "reached_max_treedepth", "energy", "tree_depth"} <= set(sleepstudy.draws["sample_stats"])


@pytest.mark.slow
def test_model_is_bambis(sleepstudy: Any) -> None:
    assert isinstance(sleepstudy.model, bambi.Model)
    assert sleepstudy.model is sleepstudy.model


@pytest.mark.slow
def test_labels_come_back_in_their_type() -> None:
    data = table().assign(g=lambda d: d.g + 5)
    fit = quickly("y ~ (1 | g) + (1 | day) + (1 | k)", data)
    posterior = fit.draws["posterior"].to_dataset()
    assert posterior["g__factor_dim"].to_numpy().tolist() == [5, 15, 25, 35, 45, 55]
    assert posterior["day__factor_dim"].dtype.kind == "M"
    assert posterior["k__factor_dim"].to_numpy().tolist() == ["c", "b", "a"]
    assert fit.group_effects("g").table().group.tolist()[:3] == [5, 15, 25]


@pytest.mark.slow
def test_names_that_pymc_cannot_hold() -> None:
    fit = quickly("y ~ `km/h` + _low + time_offset + (`km/h` | `the unit`)", table())
    assert fit.coefficients().table().term.tolist() == ["Intercept", "km/h", "_low", "time_offset"]
    assert "sd(km/h|the unit)" in fit.variance_components().table().component.tolist()
    assert fit.group_effects().table().group.unique().tolist() == ["a|b", "u/v", "w x"]


@pytest.mark.slow
def test_same_seed_same_draws_whatever_the_cores() -> None:
    data = reference_table("sleepstudy")
    one, other = (quickly("Reaction ~ Days + (1 | Subject)", data, cores=cores) for cores in (1, 2))
    assert one.draws["posterior"].to_dataset().equals(other.draws["posterior"].to_dataset())


@pytest.mark.slow
def test_generator_gives_a_recorded_seed() -> None:
    data = reference_table("sleepstudy")
    first = quickly("Reaction ~ Days", data, random_seed=np.random.default_rng(3))
    again = quickly("Reaction ~ Days", data, random_seed=first.draws.attrs["random_seed"])
    assert first.draws["posterior"].to_dataset().equals(again.draws["posterior"].to_dataset())


@pytest.mark.slow
@pytest.mark.parametrize("outcome", ["flag", "won", "flag['no']"])
def test_two_valued_outcomes(outcome: Any) -> None:
    data = table()
    fit = quickly(f"{outcome} ~ x + (1 | g)", data, family="bernoulli")
    event = {"flag": "yes", "won": True, "flag['no']": "no"}[outcome]
    assert fit.design.outcome.event == event
    assert f"Bernoulli: the event is {event}," in str(fit.summary())
    assert fit.design.outcome.y.mean() == (data[outcome.split("[")[0]] == event).mean()


@pytest.mark.slow
@pytest.mark.parametrize("sampler", ["pymc"])
def test_other_samplers_give_the_same_names(sampler: Any) -> None:
    data = reference_table("sleepstudy")
    one = quickly("Reaction ~ Days + (Days | Subject)", data, nuts_sampler=sampler)
    posterior = sleepstudy_fit().draws["posterior"].to_dataset()
    assert {name: variable.dims for name, variable in one.draws["posterior"].to_dataset().items()} == {
        name: variable.dims for name, variable in posterior.items()
    }
    assert one.draws.attrs["nuts_sampler"] == sampler
    assert {"diverging", "energy"} <= set(one.draws["sample_stats"])


@pytest.mark.filterwarnings("ignore::hierkit.errors.SamplingWarning")
def test_a_group_for_each_of_many_rows_is_said_before_sampling(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hierkit.checks.data.MANY_SINGLE_ROWS", 60)
    data = table(60).assign(row=np.arange(60))
    with pytest.warns(HierkitWarning, match=r"Every group of row has one row.*Leave the group term out"):
        hierkit.fit("y ~ x + (1 | row)", data, **QUICK)


@pytest.mark.slow
def test_one_retry_after_divergences_is_recorded() -> None:
    """Ten rows in five groups: the first run diverges in the funnel, the second has smaller steps."""
    data = pd.DataFrame({"g": np.repeat(np.arange(5), 2), "y": np.random.default_rng(0).normal(size=10)})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SamplingWarning)
        fit = hierkit.fit("y ~ 1 + (1 | g)", data, random_seed=1, progressbar=False, target_accept=0.6, engine="pymc")
    assert fit.draws.attrs["target_accept"] == pytest.approx(0.9)
    assert "divergences at target acceptance 0.6: sampled again at 0.9" in fit.draws.attrs["retry"]
    assert "sampled again" in fit.checks().table().check.tolist()
    assert "First run" in fit.report().html


@pytest.mark.slow
def test_a_run_that_did_not_converge_says_so_everywhere() -> None:
    fit = quickly("Reaction ~ Days + (Days | Subject)", reference_table("sleepstudy"))
    assert fit.checks().need_action
    assert "cannot be trusted yet" in str(fit.summary())
    assert "cannot be trusted yet" in fit.report().html
    assert "Sample longer" in repr(fit.checks())


@pytest.mark.slow
@pytest.mark.parametrize(
    "option", ['engine="marginal"', 'engine="joint"', 'nuts_sampler="nutpie"', 'nuts_sampler="pymc"']
)
def test_interrupt_ends_sampling_with_a_message_and_leaves_no_process(option: Any, tmp_path: Any) -> None:
    script = tmp_path / "long.py"
    script.write_text(
        textwrap.dedent(
            f"""
            import hierkit
            if __name__ == "__main__":
                print("ready", flush=True)
                hierkit.fit("Reaction ~ Days + (Days | Subject)", hierkit.datasets.sleepstudy(),
                            draws=3_000_000, chains=2, cores=2, {option}, progressbar=False)
                print("returned")
            """
        )
    )
    process = subprocess.Popen(
        [sys.executable, script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    time.sleep(20)
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert "returned" not in out
    assert "Sampling was interrupted. No draws were kept." in err
    assert subprocess.run(["pgrep", "-s", str(process.pid)], capture_output=True, check=False).stdout == b""


def test_fit_is_frozen() -> None:
    fit = synthetic_fit("y ~ x + (x | g)", table())
    with pytest.raises(AttributeError, match="cannot assign"):
        fit.draws = None  # type: ignore[assignment, misc]


def test_fit_prints_its_summary() -> None:
    assert repr(synthetic_fit("y ~ x + (x | g)", table())).startswith("Model and data\n")


def test_unknown_engine() -> None:
    with pytest.raises(HierkitError, match=r"engine='stan'\. It is one of 'auto', 'marginal', 'joint', 'pymc'"):
        hierkit.fit("y ~ x", table(), engine="stan")  # type: ignore[arg-type]
