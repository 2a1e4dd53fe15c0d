"""The page is self-contained, escaped, and ordered for those who cannot see it."""

import base64
import html.parser
import io
import re
import warnings
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from synthetic import synthetic_fit, table

import hierkit
from hierkit.reporting.equation import equation
from hierkit.reporting.methods import script
from hierkit.vocabulary import Vocabulary

EVIL = "<img src=x onerror=alert(1)>\"'`{{7*7}}</style><script>alert(2)</script>\u202egnol" + "ж" * 300


class Page(html.parser.HTMLParser):
    """Tags with their attributes, and the text between them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, Any]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: Any, attrs: Any) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: Any) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, Any]]:
        return [attrs for name, attrs in self.tags if name == tag]


@pytest.fixture(scope="module")
def fit() -> Any:
    return synthetic_fit("y ~ x + (x | g)", table(), chains=4, draws=500)


@pytest.fixture(scope="module")
def page(fit: Any) -> Any:
    return Page(fit.report().html)


def test_nothing_runs_and_nothing_is_loaded(page: Any) -> None:
    assert {tag for tag, _ in page.tags}.isdisjoint({"script", "link", "iframe", "object", "embed", "form", "base"})
    assert not [attrs for _, attrs in page.tags if any(name.startswith("on") for name in attrs)]
    assert all(attrs["src"].startswith("data:image/svg+xml;base64,") for _, attrs in page.tags if "src" in attrs)
    assert all(attrs["href"].startswith(("#", "data:text/csv;base64,")) for attrs in page.all("a"))


def test_content_security_policy(page: Any) -> None:
    policy = next(attrs["content"] for attrs in page.all("meta") if "http-equiv" in attrs)
    expected = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
    assert policy == expected


def test_structure_for_screen_readers(page: Any) -> None:
    assert len(page.all("h1")) == 1
    assert page.all("html")[0]["lang"] == "en"
    assert len(page.all("caption")) == len(page.all("table")) > 4
    assert all("scope" in attrs for attrs in page.all("th"))
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    links = {attrs["href"] for attrs in page.all("a") if "download" not in attrs}
    assert {link.removeprefix("#") for link in links} <= set(ids)


def test_it_holds_every_part(page: Any, fit: Any) -> None:
    headings = (
        "How sure is this?",
        "Coefficients",
        "Variance components",
        "Model and data",
        "Priors",
        "How to do it again",
    )
    for heading in headings:
        assert heading in page.text
    assert "y ~ x + (x | g)" in page.text
    assert str(fit.draws.attrs["random_seed"]) in page.text


def test_same_fit_same_bytes(fit: Any) -> None:
    assert fit.report("T").html == fit.report("T").html


def test_evil_names_are_shown_and_harmless() -> None:
    data = table()
    data[EVIL.replace("`", "")] = data.x
    data["g"] = data.g.astype(str).replace("10", EVIL)
    name = EVIL.replace("`", "")
    fit = synthetic_fit(f"y ~ `{name}` + (`{name}` | g)", data)
    made = Page(fit.report(EVIL).html)
    assert not made.all("script")
    assert all(attrs["src"].startswith("data:") and attrs["alt"] for attrs in made.all("img"))
    assert made.text.count("onerror=alert(1)") > 4
    assert "{{7*7}}" in made.text
    for text in (fit._repr_html_() if hasattr(fit, "_repr_html_") else "", fit.summary()._repr_html_()):
        assert "<img" not in text
        assert "<script" not in text
    for shown in (fit.coefficients(), fit.group_effects(), fit.variance_components(), fit.priors, fit.report(EVIL)):
        assert "<script>" not in shown._repr_html_()
        assert "<img" not in shown._repr_html_()


def test_title_defaults_to_the_outcome(page: Any) -> None:
    assert "y of groups of g by x" in page.text


def test_every_table_can_be_downloaded_whole(page: Any, fit: Any) -> None:
    links = {attrs["download"]: attrs["href"] for attrs in page.all("a") if "download" in attrs}
    assert len(links) == len(page.all("table"))
    text = base64.b64decode(links["conditional_coefficients.csv"].removeprefix("data:text/csv;base64,")).decode()
    pd.testing.assert_frame_equal(pd.read_csv(io.StringIO(text)), fit.coefficients().table(), check_dtype=False)


def test_the_script_makes_the_same_fit(page: Any) -> None:
    """As it is written on the page, but for the table."""
    data, priors = table(), {"x": "Normal(0, 2)"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", hierkit.SamplingWarning)
        made = hierkit.fit("y ~ x + (x | g)", data, draws=100, random_seed=3, progressbar=False, priors=priors)
        code = script(made._parts).replace('pd.read_csv("your_table.csv")', "data")
        found: dict[str, Any] = {"data": data}
        exec(code, found)
    again = found["fit"]
    for name, values in made.draws["posterior"].to_dataset().items():
        np.testing.assert_array_equal(again.draws["posterior"].to_dataset()[name], values)


def test_the_equation_is_escaped_and_whole(fit: Any) -> None:
    text = equation(fit.design, Vocabulary({"y": "<b>y</b>", "x": "a&b"}))
    assert "&lt;b&gt;y&lt;/b&gt;" in text
    assert "a&amp;b" in text
    root = ElementTree.fromstring(text)
    lines = ["".join(row.itertext()) for row in root.iter("mtr")]
    assert lines == ["<b>y</b>i~Normal(ηi,σ2)", "ηi=β0+β1a&bi+u0j[i]+u1j[i]a&bi", "(u0j,u1j)~Normal(0,Gg),j:g"]


@pytest.mark.parametrize(
    ("formula", "family", "options", "line"),
    [
        ("won ~ x + (1 | g)", "bernoulli", {}, "woni~Bernoulli(pi)"),
        ("y ~ x + (1 | g)", "gaussian", {"weights": "z"}, "yi~Normal(ηi,σ2zi)"),
        ("y ~ x + (1 | g)", "gaussian", {"known_sd": "z"}, "yi~Normal(ηi,zi2)"),
        ("p(hits, tries) ~ 1 + (1 | g)", "bernoulli", {}, "p(hits, tries)i~Binomial(ni,pi)"),
    ],
)
def test_every_outcome_has_its_distribution(formula: Any, family: Any, options: Any, line: Any) -> None:
    made = synthetic_fit(formula, table(80), family, draws=10, **options)
    root = ElementTree.fromstring(equation(made.design, Vocabulary()))
    first = "".join(next(root.iter("mtr")).itertext())
    assert first == line


def test_frame_in_a_notebook_is_sandboxed(fit: Any) -> None:
    frame = fit.report()._repr_html_()
    assert frame.startswith('<iframe sandbox srcdoc="')
    assert "<" not in re.findall(r'srcdoc="([^"]*)"', frame)[0]


def test_saved_as_utf8(fit: Any, tmp_path: Any) -> None:
    path = fit.report("ж").save(tmp_path / "r.html")
    assert "ж" in path.read_text(encoding="utf-8")
    assert "kB" in repr(fit.report())


def test_a_fit_shows_itself_in_notebooks(fit: Any) -> None:
    shown = fit._repr_html_()
    page = Page(shown)
    assert not page.all("script")
    assert len(page.all("table")) >= 3
    assert str(fit.summary()).splitlines()[0] in page.text
    assert "--jp-" in shown
    assert "--vscode-" in shown
    assert len(shown) < 30_000
    assert '<div style="display: none">' in shown  # where styles are stripped, the text alone is seen
