"""Rows of text files that are longer than the header, whose cells would be read as those of other columns."""

import csv
from collections.abc import Callable, Sequence
from pathlib import Path

from hierkit.errors import refusal
from hierkit.sources.damage import cannot_read

LONGEST_CELL = 2**31 - 1  # letters; Python's limit is 2^17, which a cell with a map may have


def check_widths(paths: Sequence[Path], separator_of: Callable[[Path], str]) -> None:
    """Refuse a file with a row of more cells than its header has names; blank cells at its end are none.

    Pandas would take the first cells of such rows for names of rows, or leave the last ones out.

    Raises
    ------
    HierkitError
        With the first such row, and for a file that cannot be read.
    """
    for path in paths:
        separator = separator_of(path)
        limit = csv.field_size_limit(LONGEST_CELL)
        try:
            with open(path, newline="", encoding="utf-8-sig") as file:
                rows = csv.reader(file, delimiter=separator)
                columns = len(next(filter(_has_cells, rows), []))
                longer = next((rows.line_num for row in rows if len(row) > columns and _has_cells(row[columns:])), None)
        except (ValueError, OSError, csv.Error) as error:
            raise cannot_read(path, error) from error
        finally:
            csv.field_size_limit(limit)
        if longer is not None:
            raise refusal(
                f"Line {longer:,} of {str(path)!r} has more cells than the header, which has {columns}",
                "Every row has a cell for each name in the header",
                "Put cells that have separators in them into quotes; from R, write with row.names = FALSE",
            )


def _has_cells(row: list[str]) -> bool:
    return any(map(str.strip, row))
