"""One section of a report: a heading, sentences, a picture, a table; and how a quantity becomes one."""

import textwrap
from collections.abc import Callable
from dataclasses import dataclass, replace

import pandas as pd

from hierkit.formats import as_text
from hierkit.intervals import interval_in_words
from hierkit.posterior.quantity import Quantity
from hierkit.vocabulary import Vocabulary

MOST_ROWS = 400
WIDTH = 100  # letters of a paragraph of text
WIDE = 6.0  # inches of a picture, beyond which its letters are too small on a phone
# parts of a picture that are put into words
KEYS = ("quantity", "factor", "effect", "term")
MOST_SAID = 8


def table_as_text(table: pd.DataFrame) -> list[str]:
    """Columns side by side."""
    return as_text(table).splitlines()


def items_as_text(table: pd.DataFrame) -> list[str]:
    """An item and its value in each line."""
    return [f"{item}: {value}" for item, value in table.itertuples(index=False)]


def findings_as_text(table: pd.DataFrame) -> list[str]:
    """Each finding as a paragraph."""
    rows = [f"{row.severity}, {row.check}: {row.message} {row.advice}" for row in table.itertuples()]
    return [line for row in rows for line in textwrap.wrap(row, WIDTH, subsequent_indent="  ")]


@dataclass(frozen=True, eq=False)
class Picture:
    """An SVG, what it shows in words, and whether it is too wide to be legible on a phone unless one scrolls."""

    svg: bytes
    alt: str
    is_wide: bool = False


@dataclass(frozen=True, eq=False)
class Section:
    """A heading, sentences, a picture, and a table, where there is one.

    Attributes
    ----------
    title, sentences : str, tuple of str
        What is read first.
    table, caption : pandas.DataFrame or None, str
        The numbers, and what they are.
    as_text : callable
        The table in plain text.
    picture : Picture or None
        Of the same numbers.
    most_rows : int
        How many rows of the table are shown.
    notes : tuple of str
        What to know of how it was computed, in small letters.
    definition : str
        What the numbers are, folded on a page.
    points : tuple of str
        Findings, each a point of a list.
    markup : str
        MathML.
    code : str
        A script.
    is_open : bool
        Whether the table is shown at once, not folded under the picture.
    """

    title: str
    sentences: tuple[str, ...] = ()
    table: pd.DataFrame | None = None
    caption: str = ""
    as_text: Callable[[pd.DataFrame], list[str]] = table_as_text
    picture: Picture | None = None
    most_rows: int = MOST_ROWS
    notes: tuple[str, ...] = ()
    definition: str = ""
    points: tuple[str, ...] = ()
    markup: str = ""
    code: str = ""
    is_open: bool = False

    @property
    def rows(self) -> pd.DataFrame:
        """The rows of the table that are shown."""
        return pd.DataFrame() if self.table is None else self.table.head(self.most_rows)

    @property
    def noted(self) -> tuple[str, ...]:
        """The notes, and what of the table is left out."""
        size = 0 if self.table is None else len(self.table)
        rest = f"The table shows the first {self.most_rows:,} of {size:,} rows."
        return (*self.notes, rest) if size > self.most_rows else self.notes

    @property
    def is_folded(self) -> bool:
        """Whether the table is folded: numbers under a picture, unless they are what the section is about."""
        return self.table is not None and not self.is_open


def quantity_section(
    title: str, quantity: Quantity, caption: str, sentences: tuple[str, ...] = (), notes: tuple[str, ...] = ()
) -> Section:
    """A quantity as sentences and table, with its definition to unfold."""
    table = quantity.table()
    definition = quantity.definition
    if "ci_prob" in table.attrs:
        definition += f" Intervals are {interval_in_words()}."
    return Section(title, sentences, table, caption, notes=notes, definition=definition)


def drawn(
    title: str,
    quantity: Quantity,
    caption: str,
    sentences: tuple[str, ...] = (),
    notes: tuple[str, ...] = (),
    untabled: tuple[str, ...] = (),
    words: Vocabulary | None = None,
) -> Section:
    """A quantity as sentences, picture and table; the table without some variables that the picture needs."""
    from hierkit.plots.export import to_svg  # matplotlib takes a second to import

    tabled = Quantity(quantity.draws.drop_vars(untabled, errors="ignore"), quantity.definition)
    section = quantity_section(title, tabled, caption, sentences, notes)
    words = Vocabulary() if words is None else words
    figure = quantity.plot(labels=words.labels, units=words.units)
    is_wide = bool(figure.get_figwidth() > WIDE)
    return replace(section, picture=Picture(to_svg(figure), f"{caption}. {_seen(section.table)}", is_wide))


def _seen(table: pd.DataFrame | None) -> str:
    """What a picture of intervals shows, in words."""
    if table is None or "ci_lower" not in table:
        marked = 0 if table is None else int(table["outlying"].sum())
        return f"{marked} groups are outlying." if marked else "No group is outlying."
    if "coefficient" in table:
        table = table.assign(quantity="deviation")
    keys = [name for name in KEYS if name in table]
    parts = list(table.groupby(keys, sort=False, dropna=False)) if keys else [((), table)]
    return " ".join(_range(", ".join(str(k) for k in key if k == k), part) for key, part in parts[:MOST_SAID])


def _range(name: str, table: pd.DataFrame) -> str:
    """From where to where estimates go; of deviations also how many intervals exclude zero."""
    low, high = table["estimate"].min(), table["estimate"].max()
    values = f"from {low:.3g} to {high:.3g}" if len(table) > 1 else f"{low:.3g}"
    text = f"{name}: {values}" if name else f"Values {values}"
    if name.startswith("deviation"):
        clear = int(((table["ci_lower"] > 0) | (table["ci_upper"] < 0)).sum())
        text += f", {clear:,} of {len(table):,} intervals exclude zero"
    return f"{text}."


def in_text(section: Section) -> str:
    """A section as plain text, without its picture."""
    lines = [section.title, "-" * len(section.title)]
    for point in section.points:
        lines += textwrap.wrap(point, WIDTH, initial_indent="- ", subsequent_indent="  ")
    for sentence in (*section.sentences, *section.noted):
        lines += textwrap.wrap(sentence, WIDTH)
    if section.table is not None:
        lines += section.as_text(section.rows)
    if section.definition:
        lines += textwrap.wrap(section.definition, WIDTH)
    return "\n".join(lines)
