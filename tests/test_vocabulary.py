"""Words for columns: plurals, units, terms."""

from typing import Any

import pytest

from hierkit.errors import HierkitError
from hierkit.vocabulary import Vocabulary, make_vocabulary, plural, singular, with_article


@pytest.mark.parametrize(
    ("one", "several"),
    [
        ("team", "teams"),
        ("support team", "support teams"),
        ("county", "counties"),
        ("day", "days"),
        ("class", "classes"),
        ("batch", "batches"),
        ("box", "boxes"),
        ("person", "people"),
        ("Child", "Children"),
        ("series", "series"),
        ("Subject", "Subjects"),
    ],
)
def test_plurals(one: Any, several: Any) -> None:
    assert plural(one) == several


@pytest.mark.parametrize(
    ("several", "one"),
    [
        *(("minutes", "minute"), ("days", "day"), ("inches", "inch"), ("people", "person"), ("categories", "category")),
        *(("kg", "kg"), ("ms", "ms"), ("°C", "°C"), ("percentage points", "percentage point"), ("feet", "foot")),
    ],
)
def test_one_of_a_unit(several: Any, one: Any) -> None:
    assert singular(several) == one


def test_names_and_groups() -> None:
    words = Vocabulary({"team": "support team", "mouse": ("mouse", "mice"), "h": "house"}, {"wait": "minutes"})
    assert (words.plural("team"), words.plural("mouse"), words.plural("county")) == (
        "support teams",
        "mice",
        "counties",
    )
    assert (words.plural("g"), words.plural("id_2")) == ("groups of g", "groups of id_2")
    assert (words.group("team", 7), words.group("g", 7)) == ("support team 7", "group 7 of g")
    assert (words.counted(1, "team"), words.counted(1200, "county")) == ("1 support team", "1,200 counties")
    assert words.plural("batch:cask") == "casks within batches"
    assert words.name("batch:cask") == "cask within batch"
    assert (words.with_unit("wait"), words.with_unit("h")) == ("wait (minutes)", "house")


def test_terms() -> None:
    words = Vocabulary({"wait": "waiting time", "h": "house", "team": "support team"})
    assert words.term("wait") == "waiting time"
    assert words.term("h[a:b]") == "house = a:b"
    assert words.term("wait:h[mid]") == "waiting time × house = mid"
    assert words.term("poly(wait, 2)[1]") == "poly(wait, 2)[1]"
    assert words.term("x") == "x"
    assert words.component("sd(wait|team)") == "sd(waiting time|support team)"
    assert words.component("cor(Intercept, wait|team)") == "cor(Intercept, waiting time|support team)"
    assert words.component("sigma") == "sigma"


def test_articles() -> None:
    found = [with_article(name) for name in ("hour", "inch", "minute", "euro")]
    assert found == ["an hour", "an inch", "a minute", "a euro"]


@pytest.mark.parametrize(
    ("labels", "units", "message"),
    [
        ({"tem": "team"}, None, "labels= names 'tem', which the model does not use. Its columns are 'y', 'x', 'team'"),
        ({"team": 3}, None, "labels= has 3 for 'team'. It is a word, or a pair of words"),
        (None, {"x": ("minute", "minutes")}, "units= has .* for 'x'. It is a word in the plural"),
        ("team", None, "labels= is a str. labels= maps columns to words"),
        ({"team": ""}, None, "labels= has '' for 'team'"),
    ],
)
def test_refused(labels: Any, units: Any, message: Any) -> None:
    with pytest.raises(HierkitError, match=message):
        make_vocabulary(labels, units, ("y", "x", "team"))
