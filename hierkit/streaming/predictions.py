"""Predictions for a source of rows, written to a file a chunk at a time."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from hierkit.errors import refusal
from hierkit.model.design import Design
from hierkit.model.labels import in_text
from hierkit.model.new_rows import weight_columns
from hierkit.posterior.posterior import Posterior
from hierkit.prediction.predict import BY_LABEL, Groups, PredictionKind, predict, roles_of
from hierkit.replacing import replacing
from hierkit.sources.chunks import chunks_of

ROWS = 2**18  # of a chunk
NUMBERS = frozenset({"row", "estimate", "sd", "ci_lower", "ci_upper"})


def write_predictions(
    posterior: Posterior,
    path: str | Path,
    new_rows: Any,
    groups: Groups | Mapping[str, Groups] = "known",
    kind: PredictionKind = "mean",
    draws: int = 400,
    random_seed: int = 0,
) -> Path:
    """Predictions for rows that memory need not hold, as a Parquet file with a line for each row.

    Parameters
    ----------
    posterior : Posterior
        The draws with their design.
    path : str or Path
        The file, which ends in .parquet; one that is there is replaced in a single step, when the new one is complete.
    new_rows : table, str or Path
        Whatever `hierkit.fit` takes: tables, lazy ones too, Arrow datasets and streams, files.
    groups, kind
        As of `predict`.
    draws : int
        How many draws are used, evenly spaced; the time that it takes is proportional to it.
    random_seed : int, optional
        The same seed gives the same numbers; the fit's own if not given.

    Returns
    -------
    Path
        Of the file. Its columns are those of `predict(...).table()`: `row`, counted from 0, the group of each factor
        that is known or new, as text where some may be new, and `estimate`, `sd`, `ci_lower` and `ci_upper`, in the
        outcome's units.

    Raises
    ------
    HierkitError
        As of `predict`, for another suffix and for a folder that does not exist; then no file is written, and an older
        one is left as it was.
    OSError
        Where the file cannot be written; likewise.
    """
    import pyarrow
    from pyarrow import parquet

    path = _checked(Path(path))
    tables = _tables(posterior.thinned(draws), new_rows, groups, kind, random_seed)
    first = pyarrow.Table.from_pandas(next(tables), preserve_index=False)
    with replacing(path) as temporary, parquet.ParquetWriter(temporary, first.schema) as file:
        file.write_table(first)
        for table in tables:
            file.write_table(pyarrow.Table.from_pandas(table, first.schema, preserve_index=False))
    return path


def _checked(path: Path) -> Path:
    if path.suffix != ".parquet":
        raise refusal(
            f"The file is called {path.name!r}",
            "Predictions are written as Parquet",
            "Give it a name that ends in .parquet",
        )
    if not path.parent.is_dir():
        raise refusal(f"There is no folder {str(path.parent)!r}", "A file needs one that exists", "Make it first")
    return path


def _tables(
    posterior: Posterior, new_rows: Any, groups: Groups | Mapping[str, Groups], kind: PredictionKind, seed: int
) -> Iterator[Any]:
    """The table of each chunk, with rows counted from the first of all."""
    done = 0
    for chunk in chunks_of(new_rows, _columns(posterior.design, groups, kind), ROWS, "new_rows")():
        table = predict(posterior, chunk, groups, kind, random_seed=seed).table()
        table["row"] += done
        if "new" in roles_of(posterior.design, groups).values():
            labels = [name for name in table.columns if name not in NUMBERS]
            table[labels] = table[labels].map(in_text).astype(object)
        done += len(chunk)
        yield table
    if not done:
        raise refusal("new_rows has no rows", "At least one is needed", "Check how it was read or filtered")


def _columns(design: Design, groups: Groups | Mapping[str, Groups], kind: PredictionKind) -> list[str]:
    """The columns that predictions need."""
    roles = roles_of(design, groups)
    read = [term for term in design.formula.group_terms if roles[term.factor_label] in BY_LABEL]
    grouping = {name for term in read for name in term.factor}
    used = {*design.formula.predictors, *grouping, *(weight_columns(design) if kind == "outcome" else ())}
    return [name for name in design.formula.columns if name in used]
