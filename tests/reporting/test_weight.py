"""Pages stay small: what is left out, in which order, and that it is said."""

import pandas as pd
import pytest
from synthetic import synthetic_fit, table

from hierkit.reporting.section import Picture, Section
from hierkit.reporting.weight import MOST_BYTES, lighter


def section(rows: int, svg: int) -> Section:
    picture = Picture(b"x" * svg, "alt") if svg else None
    return Section("Title", ("One.",), pd.DataFrame({"a": range(rows)}), "Caption", picture=picture)


def all_steps(sections: tuple[Section, ...]) -> list[tuple[Section, ...]]:
    steps = [sections]
    while (fewer := lighter(steps[-1])) is not None:
        steps.append(fewer)
    return steps


def test_long_tables_go_first_then_the_largest_picture_then_shorter_tables() -> None:
    steps = all_steps((section(400, 10), section(150, 30), section(50, 20)))
    lengths = [[len(s.rows) for s in step] for step in steps]
    pictures = [[s.picture is not None for s in step] for step in steps]
    assert lengths[:4] == [[400, 150, 50], [200, 150, 50], [200, 150, 50], [200, 150, 50]]
    assert pictures[2:5] == [[True, False, True], [True, False, False], [False, False, False]]
    assert lengths[-1] == [100, 100, 50]


def test_what_is_left_out_is_said() -> None:
    last = all_steps((section(500, 10),))[-1][0]
    assert "The table shows the first 100 of 500 rows." in last.noted
    assert any("Its picture is left out" in sentence for sentence in last.noted)


def test_nothing_is_left_to_leave_out() -> None:
    assert lighter(()) is None
    assert lighter((section(100, 0),)) is None


@pytest.mark.slow
def test_the_page_of_many_factors_and_effects_is_small() -> None:
    data = table(2_000).assign(a=lambda t: t.index % 97, b=lambda t: t.index % 301)
    effects = " + ".join(f"(x + z + k | {factor})" for factor in ("g", "s", "a", "b"))
    page = synthetic_fit(f"y ~ x + z + k + {effects}", data, chains=4, draws=100).report().html
    assert len(page.encode()) <= MOST_BYTES
