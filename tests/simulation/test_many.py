"""Independent tasks: their order, their seeds, and what happens when one fails."""

from pathlib import Path

import pytest

from hierkit.simulation.many import many


def test_results_are_in_the_order_of_the_tasks() -> None:
    assert many(lambda place, _: place, 6, 1, "", False) == [0, 1, 2, 3, 4, 5]


def test_seeds_differ_and_depend_on_the_seed_alone() -> None:
    first, again, other = (many(lambda _, seed: seed, 50, seed, "", False) for seed in (1, 1, 2))
    assert first == again
    assert len({*first, *other}) == 100


def test_an_error_is_raised_and_tasks_that_wait_are_left_out(tmp_path: Path) -> None:
    def fail_at_once(place: int, _seed: int) -> None:
        if place == 0:
            raise RuntimeError("no")
        (tmp_path / str(place)).touch()

    with pytest.raises(RuntimeError, match="no"):
        many(fail_at_once, 500, 1, "", False)
    assert len(list(tmp_path.iterdir())) < 400


def test_a_line_of_progress(capsys: pytest.CaptureFixture[str]) -> None:
    many(lambda place, _: place, 3, 1, "calibration", True)
    assert "calibration: 100%" in capsys.readouterr().err
    many(lambda place, _: place, 3, 1, "calibration", False)
    assert not capsys.readouterr().err
