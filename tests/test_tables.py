"""Files of tables: labels stay labels, numbers become numbers."""

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest

from hierkit.errors import HierkitError, HierkitWarning
from hierkit.tables import read_table, warn_of_words


def read(folder: Any, text: str, name: str = "table.csv", **options: Any) -> pd.DataFrame:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return read_table(path, **options)


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
        warn_of_words(table.country, "pass --missing {word}")


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


def test_parquet_keeps_its_types(tmp_path: Any) -> None:
    pd.DataFrame({"g": ["NA", "b"], "x": [1.5, None]}).to_parquet(tmp_path / "table.parquet")
    table = read_table(tmp_path / "table.parquet")
    assert table.g.tolist() == ["NA", "b"]
    assert table.x.isna().tolist() == [False, True]


def test_what_is_no_table_is_refused(tmp_path: Any) -> None:
    with pytest.raises(HierkitError, match=r"A table ends in \.csv, \.tsv or \.parquet"):
        read(tmp_path, "", "table.xlsx")
    with pytest.raises(HierkitError, match="There is no file"):
        read_table(tmp_path / "nothing.csv")
    with pytest.raises(HierkitError, match="cannot be read"):
        read(tmp_path, "")
    (tmp_path / "bytes.csv").write_bytes(b"x,y\n\xff\xfe,1\n")
    with pytest.raises(HierkitError, match="cannot be read"):
        read_table(tmp_path / "bytes.csv")
