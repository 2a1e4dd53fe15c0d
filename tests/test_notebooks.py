"""Every lesson runs with its normal settings, quietly, and its prose states numbers that its last cell asserts."""

from pathlib import Path
from typing import Any

import nbclient
import nbformat
import pytest

LESSONS = sorted((Path(__file__).parent.parent / "notebooks").glob("*.ipynb"))


@pytest.fixture(params=LESSONS, ids=lambda path: path.stem)
def lesson(request: Any) -> Any:
    return nbformat.read(request.param, as_version=4)


def test_there_are_ten() -> None:
    assert sorted(int(path.stem.split("_")[0]) for path in LESSONS) == list(range(1, 11))


def test_it_asks_a_question_and_answers_it(lesson: Any) -> None:
    words = [cell.source for cell in lesson.cells if cell.cell_type == "markdown"]
    title = words[0].splitlines()[0]
    assert title.startswith("# ")
    assert title.endswith("?")
    assert any("## The answer" in text for text in words[-2:])


def test_outputs_are_stripped_and_the_checks_hidden(lesson: Any) -> None:
    code = [cell for cell in lesson.cells if cell.cell_type == "code"]
    assert all(not cell.outputs and cell.execution_count is None for cell in code)
    assert code[-1] is lesson.cells[-1]
    assert code[-1].metadata["tags"] == ["remove-cell"]
    assert code[-1].source.count("assert ") > 5
    assert not any("assert " in cell.source for cell in code[:-1])


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # of Jupyter's own libraries; the lesson's stand in its output
def test_it_runs(lesson: Any, tmp_path: Any) -> None:
    done = nbclient.NotebookClient(lesson, timeout=300, resources={"metadata": {"path": tmp_path}}).execute()
    streams = [out for cell in done.cells for out in cell.get("outputs", []) if out.output_type == "stream"]
    assert [out.text for out in streams if out.name == "stderr"] == []
