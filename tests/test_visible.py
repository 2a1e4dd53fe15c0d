"""Labels from anywhere neither move a cursor, nor turn letters round, nor break a line of a table or a page."""

import html.parser
from typing import Any

import numpy as np
import pandas as pd
import pytest
from synthetic import synthetic_fit, table

from hierkit.errors import HierkitError, refusal
from hierkit.visible import OBEYED, visible

HOSTILE = [
    "\x1b[31mred\x1b]0;title\x07",
    "a\rb",
    "nul\x00",
    "\u202eevil",
    "\u2066x\u2069",
    "del\x7f",
    "\x9b31m",
    "c",
]


def test_symbols_stand_for_what_terminals_obey() -> None:
    assert visible("\x1b[31m\r\x7f\u202e\ud800") == "␛[31m␍␡��"
    kept = "größe 数 é 🙂 x\ty\nz عربي עברית"
    assert visible(kept) == kept


@pytest.fixture(scope="module")
def fit() -> Any:
    rows = table(64)
    labels = np.array(HOSTILE, dtype=object)[np.arange(64) % len(HOSTILE)]
    rows = rows.assign(**{HOSTILE[0]: rows.x, HOSTILE[1]: pd.Series(labels, dtype=object)})
    return synthetic_fit(f"y ~ `{HOSTILE[0]}` + (1 | `{HOSTILE[1]}`)", rows)


def shown(fit: Any) -> dict[str, str]:
    effects = fit.group_effects()
    return {
        "summary": str(fit.summary()),
        "fit": repr(fit),
        "effects": repr(effects),
        "findings": repr(fit.checks()),
        "priors": repr(fit.priors),
        "markdown": effects.to_markdown(),
        "latex": effects.to_latex(),
        "html": effects.to_html(),
        "notebook": fit._repr_html_(),
        "summary in markdown": fit.summary().to_markdown(),
        "summary in latex": fit.summary().to_latex(),
        "report": fit.report().html,
    }


def test_nothing_that_is_shown_has_any(fit: Any) -> None:
    for name, text in shown(fit).items():
        assert not OBEYED.search(text), name
        text.encode()


def test_tables_keep_their_columns(fit: Any) -> None:
    lines = fit.group_effects().to_markdown().split("\n")
    assert len({line.count(" | ") for line in lines}) == 1
    assert len(lines) == 2 + len(HOSTILE)


def test_a_page_can_be_parsed_and_saved(fit: Any, tmp_path: Any) -> None:
    page = fit.report()
    text = page.save(tmp_path / "report.html").read_text(encoding="utf-8")
    html.parser.HTMLParser().feed(text)
    assert text == page.html


def test_messages(fit: Any) -> None:
    assert str(refusal("Column '\x1b[31m'", "It is", "Do")) == "Column '␛[31m'. It is. Do."
    with pytest.raises(HierkitError) as refused:
        synthetic_fit("y ~ `\x1b[31m` - (1 | g)", table())
    assert not OBEYED.search(str(refused.value))
