"""A predictor in two parts: within groups and between them."""

from typing import Any

import narwhals as nw

from hierkit.errors import refusal


def center_within(data: Any, x: str, by: str, like: Any = None) -> Any:
    """Add `<x>_within` = x - mean of x in the group, and `<x>_between` = that mean.

    Parameters
    ----------
    data : table
        pandas, polars, pyarrow, or anything else narwhals reads.
    x, by : str
        A numeric column, and the column that says which group a row belongs to.
    like : table, optional
        An earlier result for the rows that a model was fitted to: its group means are used, so that new rows of a known
        group are split as the fitted ones were. A group that it does not have gets the mean of its own new rows.

    Returns
    -------
    table
        Of the same kind as `data`, with the two columns added.

    Raises
    ------
    HierkitError
        For a column that is missing or not a number.
    """
    between, within = f"{x}_between", f"{x}_within"
    table = _table(data)
    _check(table, x, by)
    # rows of no group have no mean
    of_groups = nw.when(~nw.col(by).is_null()).then(nw.col(x).mean().over(by))
    means = table.with_columns(of_groups.alias(between))[between]
    if like is not None:
        fitted = _table(like)
        if not {by, between} <= set(fitted.columns):
            raise refusal(
                f"like= has no columns {by!r} and {between!r}",
                "like= takes an earlier result of center_within",
                "Pass the table that center_within returned",
            )
        known = dict(zip(fitted[by].to_list(), fitted[between].to_list(), strict=True))
        values = [known.get(group, mean) for group, mean in zip(table[by].to_list(), means.to_list(), strict=True)]
        means = nw.new_series(between, values, backend=table.implementation)
        if (index := nw.maybe_get_index(table)) is not None:
            means = nw.maybe_set_index(means, index=nw.new_series("index", list(index), backend=table.implementation))
    return (
        table.with_columns(means.alias(between)).with_columns((nw.col(x) - nw.col(between)).alias(within)).to_native()
    )


def _table(data: Any) -> nw.DataFrame[Any]:
    frame = nw.from_native(data)
    return frame.collect() if isinstance(frame, nw.LazyFrame) else frame


def _check(table: nw.DataFrame[Any], x: str, by: str) -> None:
    if missing := [name for name in (x, by) if name not in table.columns]:
        raise refusal(
            f"The table has no column {missing[0]!r}",
            f"Its columns are {', '.join(table.columns)}",
            "Check the spelling",
        )
    if not table.schema[x].is_numeric():
        raise refusal(f"{x!r} is not a number", "Only numeric columns have group means", "Convert the column")
