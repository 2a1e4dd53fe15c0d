"""One table behind every format: numbers rounded by what is known of them, as text, Markdown, LaTeX, HTML and CSV."""

import csv
import html
import io
import math
from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from hierkit.visible import visible

SUMMARY = ("estimate", "sd", "ci_lower", "ci_upper")
DIGITS = 2  # of an sd
MOST_DECIMALS = 6
THOUSAND = 1000  # from here on a number that has no sd is whole
LARGEST = 1e6  # beyond, and below the smallest decimal, numbers have powers of ten
SHORT = 3  # digits of a number that has no sd
MANY = ("group", "row", "cell")  # labels of which rows of one unit follow each other
ALIKE = ("quantity", "effect", "term", "factor", "contrast")  # what such rows have in common
NUMBERS = "numbers"  # attribute of a table of text: its columns that were numbers
COUNTS = ("n", "ess_bulk", "ess_tail")
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what spreadsheets would run
STYLE = (
    ".hierkit table { border-collapse: collapse; margin: 0.3rem 0 0.6rem; } "
    ".hierkit th, .hierkit td { border: none; border-bottom: 1px solid var(--hk-line, #c3c9d2); background: none; "
    "padding: 0.15rem 0.7rem 0.15rem 0; text-align: right; font-weight: normal; font-variant-numeric: tabular-nums; } "
    ".hierkit thead th { font-weight: 600; } "
    ".hierkit table .text { text-align: left; } "
    ".hierkit caption { text-align: left; padding: 0; } "
    ".hierkit summary { cursor: pointer; }"
)
LATEX = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        "|": r"\textbar{}",
    }
    | {letter: f"\\{letter}" for letter in "&%$#_{}"}
)


def printed(table: pd.DataFrame) -> pd.DataFrame:
    """A table as it is read: text in every cell.

    An estimate and its interval have as many decimals as its sd has with two digits, in rows of groups as many as the
    most precise group; counts have none, R-hat three, other numbers three digits. What is missing is empty.
    """
    if NUMBERS in table.attrs:  # it is text already
        return table
    decimals = _decimals(table)
    cells: dict[Hashable, list[str]] = {}
    for name, values in table.items():
        if name in SUMMARY and "sd" in table:
            cells[name] = [_fixed(value, places) for value, places in zip(values, decimals, strict=True)]
        elif name in COUNTS:
            cells[name] = [_fixed(value, 0) for value in values]
        elif name == "r_hat":
            cells[name] = [_fixed(value, 3) for value in values]
        else:
            cells[name] = [_cell(value) for value in values]
    return pd.DataFrame(cells, columns=table.columns, dtype=object)


def condensed(table: pd.DataFrame) -> pd.DataFrame:
    """A printed table with the bounds of each interval in one cell: `interval`, and `odds_ratio` with its own."""
    cells = printed(table)
    if {"ci_lower", "ci_upper"} <= set(table):
        bounds = zip(cells.pop("ci_lower"), cells.pop("ci_upper"), strict=True)
        place = list(cells).index("sd" if "sd" in cells else "estimate")
        prob = table.attrs.get("ci_prob")
        name = "interval" if prob is None else f"{prob:.0%} interval"
        cells.insert(place + 1, name, [f"{low} to {high}" if low else "" for low, high in bounds])
    for label in [label for label in cells if f"{label}_lower" in cells and f"{label}_upper" in cells]:
        rows = zip(cells[label], cells.pop(f"{label}_lower"), cells.pop(f"{label}_upper"), strict=True)
        cells[label] = [f"{value} ({low} to {high})" if value else "" for value, low, high in rows]
    numbers = [name for name in table if _is_number(table[name]) and name in cells]
    cells.attrs[NUMBERS] = [*numbers, *(name for name in cells if name not in table)]
    return cells


def as_text(table: pd.DataFrame) -> str:
    """Columns side by side, numbers to the right."""
    right = _are_numbers(table)
    rows = [list(map(str, table.columns)), *printed(table).to_numpy().tolist()]
    widths = [max(len(row[i]) for row in rows) for i in range(len(right))]
    lines = [
        "  ".join(
            cell.rjust(width) if is_number else cell.ljust(width)
            for cell, width, is_number in zip(row, widths, right, strict=True)
        )
        for row in rows
    ]
    return visible("\n".join(line.rstrip() for line in lines))


def as_markdown(table: pd.DataFrame) -> str:
    """A pipe table, its labels escaped."""
    right = ["---:" if is_number else "---" for is_number in _are_numbers(table)]
    rows = [list(map(str, table.columns)), right, *printed(table).to_numpy().tolist()]
    escaped = [row if row is right else [in_markdown(cell) for cell in row] for row in rows]
    return visible("\n".join(f"| {' | '.join(row)} |" for row in escaped))


def as_latex(table: pd.DataFrame, caption: str = "") -> str:
    """A tabular with booktabs' rules, in a table environment if there is a caption; its labels escaped."""
    columns = "".join("r" if is_number else "l" for is_number in _are_numbers(table))
    head, *body = [list(map(str, table.columns)), *printed(table).to_numpy().tolist()]
    lines = [rf"\begin{{tabular}}{{{columns}}}", r"\toprule", _latex_row(head), r"\midrule"]
    lines += [*map(_latex_row, body), r"\bottomrule", r"\end{tabular}"]
    if caption:
        lines = [r"\begin{table}", r"\centering", rf"\caption{{{in_latex(caption)}}}", *lines, r"\end{table}"]
    return visible("\n".join(lines))


def as_html(table: pd.DataFrame, caption: str = "") -> str:
    """A table element, everything escaped. The first cell of a row is its heading; cells of text have the class `text`.

    One row a line: numbers are most cells, so that text is what is marked.
    """
    marks = ["" if is_number else ' class="text"' for is_number in _are_numbers(table)]
    title = f"<caption>{html.escape(caption)}</caption>\n" if caption else ""
    names = zip(table.columns, marks, strict=True)
    head = "".join(f'<th scope="col"{mark}>{html.escape(str(name))}</th>' for name, mark in names)
    rows = [_html_row(cells, marks) for cells in printed(table).to_numpy().tolist()]
    body = "\n".join(rows)
    return visible(f"<table>\n{title}<thead>\n<tr>{head}</tr>\n</thead>\n<tbody>\n{body}\n</tbody>\n</table>")


def _html_row(cells: Sequence[str], marks: Sequence[str]) -> str:
    first, *rest = [html.escape(cell) for cell in cells]
    others = "".join(f"<td{mark}>{cell}</td>" for cell, mark in zip(rest, marks[1:], strict=True))
    return f'<tr><th scope="row"{marks[0]}>{first}</th>{others}</tr>'


def for_notebooks(table: pd.DataFrame, definition: str, rest: str = "") -> str:
    """A table for a notebook, what it is folded under it."""
    more = f"<p>{html.escape(rest)}</p>" if rest else ""
    what = f"<details><summary>What is this?</summary><p>{html.escape(definition)}</p></details>"
    return in_notebook(condensed(table), f"{more}{what}")


def in_notebook(table: pd.DataFrame, below: str = "") -> str:
    """A table in the style of notebooks; `below` is HTML."""
    return f'<div class="hierkit"><style>{STYLE}</style>\n{as_html(table)}\n{below}</div>'


def as_csv(table: pd.DataFrame) -> str:
    """Comma-separated values with all digits; labels that a spreadsheet would run as a formula have a quote before."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(map(_for_csv, table.columns))
    writer.writerows([map(_for_csv, row) for row in table.itertuples(index=False)])
    return buffer.getvalue()


def _decimals(table: pd.DataFrame) -> list[int | None]:
    """(row,), the decimals of each estimate; None where it has no sd that says."""
    sds = table["sd"] if "sd" in table else pd.Series(np.nan, index=table.index)
    own = sds.map(decimals_of)
    if many := [name for name in MANY if name in table]:
        alike = [name for name in ALIKE if name in table]
        own = own.groupby([table[name] for name in alike] if alike else table[many[0]].notna()).transform("max")
    return [None if math.isnan(places) else int(places) for places in own]


def decimals_of(sd: float) -> float:
    """How many decimals leave an sd two digits; missing where none does."""
    if not math.isfinite(sd) or sd <= 0:
        return math.nan
    places = DIGITS - 1 - math.floor(math.log10(sd))
    return max(places, 0) if places <= MOST_DECIMALS else math.nan


def _fixed(value: Any, places: int | None) -> str:
    if not isinstance(value, float | int) or places is None or abs(value) >= LARGEST:
        return _cell(value)
    return "" if math.isnan(value) else _without_sign_of_zero(f"{value:.{places}f}")


def _without_sign_of_zero(text: str) -> str:
    return text.removeprefix("-") if not text.strip("-0.") else text


def _cell(value: Any) -> str:
    """A number with three digits, as whole as it is; nothing where it is missing; other cells as text."""
    if value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, float):
        whole = (value.is_integer() or abs(value) >= THOUSAND) and abs(value) < LARGEST
        return f"{round(value)}" if whole else f"{value:#.{SHORT}g}".removesuffix(".")
    return str(value)


def _are_numbers(table: pd.DataFrame) -> list[bool]:
    """(column,), which hold numbers, or text that was made of them."""
    said = table.attrs.get(NUMBERS, [])
    return [name in said or _is_number(table[name]) for name in table]


def _is_number(column: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)


def in_markdown(text: str) -> str:
    """Text that makes neither columns nor tags nor emphasis."""
    for letter in "\\|`*_":
        text = text.replace(letter, f"\\{letter}")
    text = text.replace("](", "]\\(")
    return visible(" ".join(html.escape(text, quote=False).split("\n")))


def in_latex(text: str) -> str:
    """Text that LaTeX sets as it is."""
    return visible(" ".join(text.translate(LATEX).split("\n")))


def _latex_row(cells: Sequence[str]) -> str:
    return " & ".join(map(in_latex, cells)) + r" \\"


def _for_csv(value: Any) -> Any:
    if isinstance(value, float) and math.isnan(value):
        return ""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value
