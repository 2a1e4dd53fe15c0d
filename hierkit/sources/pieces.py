"""A table of several pieces, such as files, which must agree on their columns."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from hierkit.errors import HierkitError, refusal


@dataclass(frozen=True)
class Piece:
    """One piece of a table.

    Attributes
    ----------
    name : str
        The path of a file; for errors.
    names : tuple of str
        Its columns.
    read : callable
        Columns -> a table of them.
    """

    name: str
    names: tuple[str, ...]
    read: Callable[[Sequence[str]], Any]


def joined(pieces: Sequence[Piece], columns: Sequence[str]) -> Any:
    """The columns of all pieces as one pyarrow Table, the pieces below each other.

    Raises
    ------
    HierkitError
        For a piece that lacks a column, or has it in another type than one before it.
    """
    import pyarrow

    tables = {}
    for piece in pieces:
        if lacking := [name for name in columns if name not in piece.names]:
            other = next(one for one in pieces if lacking[0] in one.names)
            raise refusal(
                f"{piece.name!r} has no column {lacking[0]!r}, which {other.name!r} has",
                "The files of one table have the same columns",
                "Write the column, or leave the file out",
            )
        tables[piece.name] = _as_arrow(piece.read(columns))
    for column in columns:
        _check_agreement(tables, column)
    return pyarrow.concat_tables(tables.values(), promote_options="permissive")


def cannot_read(name: str, error: Exception) -> HierkitError:
    """The refusal of a file that is damaged, or no table."""
    reason = str(error).strip().splitlines()[0].rstrip(".")
    return refusal(
        f"{name!r} cannot be read: {reason}",
        "Each file must be a whole table",
        "Write this file again, or leave it out",
    )


def _as_arrow(table: Any) -> Any:
    import pyarrow

    return table if isinstance(table, pyarrow.Table) else pyarrow.Table.from_pandas(table, preserve_index=False)


def _check_agreement(tables: dict[str, Any], column: str) -> None:
    first: dict[str, str] = {}
    for name, table in tables.items():
        first.setdefault(_kind(table.schema.field(column).type), name)
    first.pop("nothing", None)
    if len(first) > 1:
        (one, file), (other, another), *_ = first.items()
        raise refusal(
            f"Column {column!r} holds {one} in {file!r} and {other} in {another!r}",
            "A column has one type in all files",
            "Write these files again with one type",
        )


def _kind(dtype: Any) -> str:
    """Numbers of all sizes are one kind, and text is one with its categories; a column may hold nothing in a file."""
    from pyarrow import types

    value = dtype.value_type if types.is_dictionary(dtype) else dtype
    if types.is_null(value):
        return "nothing"
    if types.is_integer(value) or types.is_floating(value) or types.is_decimal(value):
        return "numbers"
    if types.is_string(value) or types.is_large_string(value) or types.is_string_view(value):
        return "text"
    return f"values of type {value}"
