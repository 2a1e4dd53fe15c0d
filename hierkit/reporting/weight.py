"""What to leave out of a page that is too large to be passed on."""

from collections.abc import Sequence
from dataclasses import replace

from hierkit.reporting.section import Section

MOST_BYTES = 1_000_000  # what mail and chat take without complaint
FEWEST_ROWS = 100
LONG = 200


def lighter(sections: Sequence[Section]) -> tuple[Section, ...] | None:
    """The sections with one thing less, or None where nothing is left to leave out.

    Long tables are halved first, the longest before others; then the largest picture goes; then shorter tables are cut.
    """
    lengths = [len(section.rows) for section in sections]
    sizes = [0 if section.picture is None else len(section.picture.svg) for section in sections]
    most = max(lengths, default=0)
    if most > (LONG if any(sizes) else FEWEST_ROWS):
        place = lengths.index(most)
        return _changed(sections, place, replace(sections[place], most_rows=max(FEWEST_ROWS, most // 2)))
    if any(sizes):
        place = sizes.index(max(sizes))
        section = sections[place]
        note = "Its picture is left out, so that the page stays below 1 MB; .plot() of the quantity draws it."
        return _changed(sections, place, replace(section, picture=None, notes=(*section.notes, note)))
    return None


def _changed(sections: Sequence[Section], place: int, section: Section) -> tuple[Section, ...]:
    return (*sections[:place], section, *sections[place + 1 :])
