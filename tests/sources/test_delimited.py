"""Files of tables: labels stay labels, numbers become numbers."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from hierkit.errors import HierkitError, HierkitWarning
from hierkit.sources.delimited import chunks, column_names, kinds_of, read_delimited, warn_of_words
from hierkit.sources.files import files_of, read_files


def read(folder: Any, text: str, name: str = "table.csv", missing: Any = ()) -> pd.DataFrame:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return read_delimited([path], column_names(path), missing)


def test_a_word_for_missing_among_labels_is_a_label_and_said_to_be(tmp_path: Any) -> None:
    text = "country,smoking,x\nNA,None,1\nDE,light,2\n,heavy,3\n"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        table = read(tmp_path, text)
    assert table.country.tolist()[:2] == ["NA", "DE"]
    assert table.country.isna().tolist() == [False, False, True]
    assert table.smoking.tolist() == ["None", "light", "heavy"]
    with pytest.warns(
        HierkitWarning, match=r"Column 'country' holds labels, and 'NA' \(1 rows\) is taken for one.*pass --missing NA"
    ):
        warn_of_words(table[["country", "x"]], "pass --missing {word}")


def test_a_word_for_missing_among_numbers_is_missing(tmp_path: Any) -> None:
    table = read(tmp_path, "x,y\nNA,1\n2.5,.\n,3\n1e-3,null\n")
    np.testing.assert_array_equal(table.x, [np.nan, 2.5, np.nan, 0.001])
    np.testing.assert_array_equal(table.y, [1, np.nan, 3, np.nan])


def test_missing_words_are_the_users_own(tmp_path: Any) -> None:
    table = read(tmp_path, "g,x\nNA,-99\na,1\nb,2\n", missing=["NA", "-99"])
    assert table.g.isna().tolist() == [True, False, False]
    np.testing.assert_array_equal(table.x, [np.nan, 1, 2])


def test_leading_zeros_are_part_of_a_label(tmp_path: Any) -> None:
    table = read(tmp_path, "site,n,share\n007,0,0.5\n010,10,0.25\n")
    assert table.site.tolist() == ["007", "010"]
    assert table.n.dtype == np.int64
    assert table.share.tolist() == [0.5, 0.25]


def test_whole_numbers_and_booleans_have_their_types(tmp_path: Any) -> None:
    table = read(tmp_path, "n,b,s\n9007199254740993,TRUE,x\n2,FALSE,TRUE\n")
    assert table.n.tolist() == [9007199254740993, 2]
    assert table.b.dtype == bool
    assert table.s.tolist() == ["x", "TRUE"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("table.tsv", "g\tx\na,b\t1.5\nc\t2\n"),
        ("table.csv", 'g,x\n"a,b",1.5\nc,2\n'),
        ("table.csv", "g;x\na,b;1,5\nc;2\n"),
    ],
)
def test_separators_and_decimal_commas(tmp_path: Any, name: Any, text: Any) -> None:
    table = read(tmp_path, text, name)
    assert table.g.tolist() == ["a,b", "c"]
    assert table.x.tolist() == [1.5, 2.0]


def test_the_type_of_a_column_is_that_of_all_its_cells_in_whichever_file(tmp_path: Any) -> None:
    """Each of these files alone would have another type."""
    for name, rows in {"a": "007,1,1", "b": "120,2,NA", "c": "12,10b,NA"}.items():
        (tmp_path / f"{name}.csv").write_text(f"site,code,x\n{rows}\n")
    table = read_delimited(sorted(tmp_path.glob("*.csv")), ["site", "code", "x"])
    assert table.site.tolist() == ["007", "120", "12"]
    assert table.code.tolist() == ["1", "2", "10b"]
    np.testing.assert_array_equal(table.x, [1, np.nan, np.nan])


def test_files_with_different_separators_are_refused(tmp_path: Any) -> None:
    (tmp_path / "a.csv").write_text("g,x\na,1\n")
    (tmp_path / "b.csv").write_text("g;x\na;1,5\n")
    with pytest.raises(HierkitError, match=r"a\.csv' and '.*b\.csv' have different separators"):
        read_delimited(sorted(tmp_path.glob("*.csv")), ["g", "x"])


def test_what_is_no_table_is_refused(tmp_path: Any) -> None:
    with pytest.raises(HierkitError, match="cannot be read"):
        read(tmp_path, "")
    (tmp_path / "bytes.csv").write_bytes(b"x,y\n\xff\xfe,1\n")
    with pytest.raises(
        HierkitError, match=r"bytes\.csv' is not text in UTF-8 .*pandas\.read_csv reads with its encoding"
    ):
        column_names(tmp_path / "bytes.csv")


def test_a_header_that_names_a_column_twice_is_refused(tmp_path: Path) -> None:
    """pandas would call the second one x.1, and take the first."""
    (tmp_path / "twice.csv").write_text("y,x,x\n1,2,9\n2,3,8\n")
    with pytest.raises(HierkitError, match=r"twice\.csv' has more than one column named 'x'"):
        read_files(tmp_path / "twice.csv", ["y", "x"])
    assert read_files(tmp_path / "twice.csv", ["y"]).y.tolist() == [1, 2]
    with pytest.raises(HierkitError, match=r"no column 'x\.1'"):
        read_files(tmp_path / "twice.csv", ["y", "x.1"])


def test_folders_may_have_brackets_in_their_names(tmp_path: Path) -> None:
    (tmp_path / "q[1]").mkdir()
    (tmp_path / "q[1]" / "a.csv").write_text("y\n1\n")
    assert [file.name for file in files_of(tmp_path / "q[1]" / "*.csv")] == ["a.csv"]
    with pytest.raises(HierkitError, match="The path is ''"):
        files_of("")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('"school","age"\n"1",1,15\n"2",2,16\n', 2),  # as R's write.table has it
        ("g,x,y\na,1,2\nf,1,234.5,70.1\n", 3),
        ("g,x,y\na,1,2\nSmith, J,9.1,70.2\n", 3),
    ],
)
def test_rows_longer_than_the_header_are_refused(text: str, line: int, tmp_path: Path) -> None:
    """The cells after a separator too many would be those of other columns."""
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(HierkitError, match=rf"Line {line} of .* has more cells than the header, which has"):
        read_files(tmp_path / "a.csv", column_names(tmp_path / "a.csv")[:2])


def test_empty_cells_at_the_end_of_rows_are_none(tmp_path: Path) -> None:
    table = read(tmp_path, ' \ng,x\n"a\nb",1,\nc,2, ,\n')
    assert table.g.tolist() == ["a\nb", "c"]
    assert table.x.tolist() == [1, 2]


def test_long_identifiers_stay_apart(tmp_path: Path) -> None:
    """As numbers with a point, which missing cells would make them, they have 16 digits."""
    base = 123456789012345678
    table = read(tmp_path, "g,h,x\n" + "".join(f"{base + i},{base}{i:04},{i}\n" for i in range(6)) + ",,7\n")
    assert table.g.dropna().tolist() == [base + i for i in range(6)]
    assert table.h.dropna().tolist() == [f"{base}{i:04}" for i in range(6)]
    assert table.x.dtype == np.int64
    assert [kind.name for kind in kinds_of([tmp_path / "table.csv"], ["g", "h", "x"], 2, "").values()] == [
        "LONG",
        "LABELS",
        "WHOLE",
    ]


def test_points_beside_decimal_commas_are_refused(tmp_path: Path) -> None:
    """1.037 is a thousand and thirty-seven where 71,69 is between 71 and 72."""
    (tmp_path / "a.csv").write_text("y;income;site\n71,69;1.037;1.a\n72,0;960;2.b\n")
    for columns in (["y", "income"], ["income", "y", "site"]):
        with pytest.raises(HierkitError, match="Numbers of 'income' have a point, and numbers of 'y' a comma"):
            read_files(tmp_path / "a.csv", columns)
        with pytest.raises(HierkitError, match="Numbers of 'income' have a point, and numbers of 'y' a comma"):
            kinds_of([tmp_path / "a.csv"], columns, 1, "")
    assert read_files(tmp_path / "a.csv", ["y", "site"]).y.tolist() == [71.69, 72.0]


@pytest.mark.parametrize("text", ["sep=;\ny;x\n1;2\n", "Sales of 2025\ny,x\n1,2\n", "y|x\n1|2\n"])
def test_lines_above_the_header_and_other_separators_are_said(text: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(HierkitError, match=r"The first line of .* and no other\. .*reads with sep and skiprows"):
        read_files(tmp_path / "a.csv", ["y", "x"])


def test_cells_may_be_long_in_columns_that_are_not_used(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(f"y,map\n1,{'m' * 200_000}\n2,\n")
    assert read_files(tmp_path / "a.csv", ["y"]).y.tolist() == [1, 2]


@pytest.mark.parametrize(
    "cells",
    [
        ["1.5", "9999999999999999"],
        ["1", "9007199254740993"],
        ["1152921504606846976", "9223372036854775813"],
        ["-5", "18446744073709551615"],
        ["", "9007199254740993", "7"],
        ["1", "100000000000000000000"],
        ["1", "9" * 5_000],
        ["1.5", "2"],
    ],
)
def test_a_column_is_the_same_in_one_piece_and_in_chunks(cells: list[str], tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x,y\n" + "".join(f"{cell},1\n" for cell in cells))
    whole = read_delimited([tmp_path / "a.csv"], ["x"]).x
    kinds = kinds_of([tmp_path / "a.csv"], ["x"], 1, "")
    parts = pd.concat([part.x for part in chunks([tmp_path / "a.csv"], kinds, 1)])
    assert parts.dtype == whole.dtype
    assert parts.dropna().tolist() == whole.dropna().tolist()


def test_missing_cells_have_no_decimal_mark(tmp_path: Path) -> None:
    assert read(tmp_path, "y;x\n1,5;1\n.;2\n2,5;3\n").y.dropna().tolist() == [1.5, 2.5]
