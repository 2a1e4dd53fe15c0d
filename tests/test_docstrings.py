"""What every public docstring says: parameters, dims and units of what is returned, errors; a page with a source."""

import inspect
import re
from pathlib import Path
from typing import Any

import pytest
from numpydoc.docscrape import FunctionDoc

import hierkit
from hierkit import Fit, datasets

DOCS = Path(__file__).parent.parent / "docs"
DIMS = re.compile(r"\((chain, draw|group|effect|row|term|statement|statistic|parameter|point)|\d rows: ")
UNITS = re.compile(
    r"units|scale|probabilit|log odds|share|[Ss]hares|rank|variance|number of|odds_ratio|sds?\b|density|score|"
    r"standard deviation|minutes|milliseconds|pCi|hits|level",
)
ELSEWHERE = {"predict": "prediction", "loo": "validation", "logo": "validation"}
NO_QUANTITY = {"checks", "summary", "report", "save", "posterior_predictive", "prior_predictive"} | {
    "plot_trace",
    "plot_replicates",
    "write_predictions",
}


METHODS = {name: method for name, method in inspect.getmembers(Fit, inspect.isfunction) if not name.startswith("_")}
QUANTITIES = {name: method for name, method in METHODS.items() if name not in NO_QUANTITY}
PUBLIC: dict[str, Any] = {
    **METHODS,
    "fit": hierkit.fit,
    "load": hierkit.load,
    "compare": hierkit.compare,
    "compare_table": hierkit.compare_table,
    "report": hierkit.report,
    "simulate_design": hierkit.simulate_design,
    "center_within": hierkit.center_within,
}
DATASETS = {name: f for name, f in inspect.getmembers(datasets, inspect.isfunction) if not name.startswith("_")}


@pytest.mark.parametrize("name", PUBLIC)
def test_parameters_and_errors(name: Any) -> None:
    function = PUBLIC[name]
    doc = FunctionDoc(function)
    documented = [part.strip() for parameter in doc["Parameters"] for part in parameter.name.split(",")]
    assert documented == [name for name in inspect.signature(function).parameters if name != "self"]
    assert all(" ".join(parameter.desc).strip() for parameter in doc["Parameters"])
    assert doc["Returns"]
    if "raise refusal" in inspect.getsource(function) or "check_" in inspect.getsource(function):
        assert doc["Raises"]


@pytest.mark.parametrize("name", [*QUANTITIES, *DATASETS])
def test_what_is_returned_has_dims_and_units(name: Any) -> None:
    doc = FunctionDoc((QUANTITIES | DATASETS)[name])
    text = " ".join(" ".join(part.desc) for part in doc["Returns"])
    assert DIMS.search(text), text
    assert UNITS.search(text + " ".join(doc["Extended Summary"])), text


@pytest.mark.parametrize("name", QUANTITIES)
def test_each_quantity_has_a_page_with_its_source_and_its_limits(name: Any) -> None:
    if name in ELSEWHERE:
        text = (DOCS / f"{ELSEWHERE[name]}.md").read_text()
        assert re.search(r"\b(19|20)\d\d\b", text)
        return
    text = (DOCS / "quantities" / f"{name}.md").read_text()
    for heading in ("Definition", "Example", "How to read it", "When not to use it", "Source", "The method"):
        assert re.search(rf"^## {heading}\n\n\S", text, re.MULTILINE), heading
    assert f"fit.{name}(" in text
    assert f"automethod:: hierkit.Fit.{name}" in text
    assert f"]({name}.md)" in (DOCS / "quantities" / "index.md").read_text()


@pytest.mark.parametrize("name", DATASETS)
def test_each_data_set_says_where_it_is_from(name: Any) -> None:
    assert re.search(r"Source: .*\d{4}|Simulated", str(inspect.getdoc(DATASETS[name])))


def test_every_method_of_a_fit_is_described() -> None:
    for name, method in inspect.getmembers(Fit, inspect.isfunction):
        assert name.startswith("_") or inspect.getdoc(method), name
