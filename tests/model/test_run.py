"""The record of a run."""

from hierkit.model.run import Run

RUN = Run("joint", "asked for", "normal", 3, 1000, 500, 4, 0.8, "nutpie", versions={"numpy": "2.5"})


def test_what_is_written_is_read() -> None:
    assert Run.from_attrs(RUN.to_attrs()) == RUN


def test_other_attributes_and_missing_ones_do_not_matter() -> None:
    attrs = RUN.to_attrs() | {"created_at": "today"}
    del attrs["thin"]
    assert Run.from_attrs(attrs) == RUN
