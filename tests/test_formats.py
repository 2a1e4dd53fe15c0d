"""Tables in every format: numbers rounded by their uncertainty, labels escaped, nothing lost in CSV."""

import io
from typing import Any

import numpy as np
import pandas as pd
import pytest

from hierkit.formats import as_csv, as_html, as_latex, as_markdown, as_text, condensed, for_notebooks, printed


def estimates(labels: Any = ("a", "b"), sds: Any = (0.0312, 12.7), **columns: Any) -> pd.DataFrame:
    estimate = np.array([1.23456, 345.678])
    frame = pd.DataFrame({"term": labels, "estimate": estimate, "sd": sds})
    return frame.assign(ci_lower=estimate - np.array(sds), ci_upper=estimate + np.array(sds), **columns)


def test_an_estimate_has_the_decimals_of_its_sd() -> None:
    assert printed(estimates()).to_numpy().tolist() == [
        ["a", "1.235", "0.031", "1.203", "1.266"],
        ["b", "346", "13", "333", "358"],
    ]


def test_groups_of_one_effect_have_as_many_decimals() -> None:
    frame = estimates(sds=(0.0312, 0.127)).rename(columns={"term": "group"}).assign(effect="x")
    assert printed(frame)["estimate"].tolist() == ["1.235", "345.678"]
    assert printed(frame.assign(effect=["x", "y"]))["estimate"].tolist() == ["1.235", "345.68"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.12345, "0.123"),
        (0.1, "0.100"),
        (3.0, "3"),
        (0.00001234, "1.23e-05"),
        (1234.6, "1235"),
        (123.4, "123"),
        (np.nan, ""),
        (-0.0, "0"),
        (1e9, "1.00e+09"),
    ],
)
def test_other_numbers_have_three_digits(value: Any, text: Any) -> None:
    assert printed(pd.DataFrame({"own": [value]}))["own"].tolist() == [text]


def test_counts_convergence_and_labels() -> None:
    frame = pd.DataFrame({"n": [5], "r_hat": [1.00049], "ess_bulk": [1234.6], "ok": [True], "none": [None]})
    assert printed(frame).to_numpy().tolist() == [["5", "1.000", "1235", "True", ""]]


def test_an_estimate_that_rounds_to_zero_has_no_sign() -> None:
    frame = estimates(sds=(1.0, 1.0)).assign(estimate=[-0.004, 0.004])
    assert printed(frame)["estimate"].tolist() == ["0.0", "0.0"]


def test_without_an_sd_or_with_one_of_zero() -> None:
    assert printed(estimates(sds=(np.nan, 0.0)))["estimate"].tolist() == ["1.23", "346"]


EVIL = "a|b`<i>_&%$#{}\\\n=1"


def test_labels_are_escaped() -> None:
    frame = estimates(labels=("plain", EVIL))
    assert "a\\|b\\`&lt;i&gt;\\_&amp;%$#{}\\\\ =1 |" in as_markdown(frame)
    assert r"a\textbar{}b`\textless{}i\textgreater{}\_\&\%\$\#\{\}\textbackslash{} =1 &" in as_latex(frame)
    assert "a|b`&lt;i&gt;_&amp;%$#{}" in as_html(frame)
    for text in (as_markdown(frame), as_latex(frame)):
        assert len(text.splitlines()) == len(
            (as_markdown if text.startswith("|") else as_latex)(estimates()).splitlines()
        )


def test_a_caption_makes_a_table_of_latex() -> None:
    text = as_latex(estimates(), "50% of them")
    assert text.splitlines()[:3] == [r"\begin{table}", r"\centering", r"\caption{50\% of them}"]
    assert as_latex(estimates()).startswith(r"\begin{tabular}{lrrrr}")


def test_csv_has_all_digits_and_no_formula() -> None:
    frame = estimates(labels=("=1+1", "@x")).assign(none=np.nan)
    back = pd.read_csv(io.StringIO(as_csv(frame)))
    assert back["term"].tolist() == ["'=1+1", "'@x"]
    np.testing.assert_array_equal(back["estimate"], frame["estimate"])
    assert back["none"].isna().all()


def test_text_is_aligned() -> None:
    lines = as_text(estimates()).splitlines()
    assert lines[0].index("estimate") + len("estimate") == lines[1].index("1.235") + len("1.235")
    assert lines[1].startswith("a   ")


def test_a_notebook_folds_the_definition() -> None:
    text = for_notebooks(estimates(), "What <it> is.", "More.")
    assert "<details><summary>What is this?</summary><p>What &lt;it&gt; is.</p></details>" in text
    assert text.index("<table>") < text.index("<p>More.</p>") < text.index("<details>")


def test_bounds_in_one_cell() -> None:
    frame = estimates(odds_ratio=[1.5, np.nan], odds_ratio_lower=[1.2, np.nan], odds_ratio_upper=[1.9, np.nan])
    frame.attrs["ci_prob"] = 0.89
    found = condensed(frame)
    assert found.columns.tolist() == ["term", "estimate", "sd", "89% interval", "odds_ratio"]
    assert found.to_numpy().tolist() == [
        ["a", "1.235", "0.031", "1.203 to 1.266", "1.50 (1.20 to 1.90)"],
        ["b", "346", "13", "333 to 358", ""],
    ]
    assert as_html(found).count('class="text"') == 3  # the labels and their heading
