"""The user's words for columns: names with plurals, and units. Columns without words of their own keep their names."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from hierkit.errors import refusal

Labels = Mapping[str, str | tuple[str, str]]
Units = Mapping[str, str]
IRREGULAR = {"person": "people", "child": "children", "man": "men", "woman": "women", "mouse": "mice", "foot": "feet"}
UNCHANGED = {"series", "species", "sheep", "staff"}
SILENT = ("hour", "hono", "heir")
SPOKEN = ("uni", "use", "eu", "one", "once")
HISS = ("s", "x", "z", "ch", "sh")
WORD = re.compile(r"[^\W\d_]{3,}([ -][^\W\d_]+)*")  # what can have a plural: no g, no id_2
TERM = re.compile(r"(?P<column>.*?)\[(?P<level>.*)\]", re.DOTALL)


@dataclass(frozen=True)
class Vocabulary:
    """Words for columns.

    Attributes
    ----------
    labels : mapping of str to str or (str, str)
        By column, its name, or its name for one and for several.
    units : mapping of str to str
        By column, the unit in the plural, "minutes".
    """

    labels: Labels = field(default_factory=dict)
    units: Units = field(default_factory=dict)

    def name(self, column: str) -> str:
        """One of it: "support team"; of the cells of several columns "cask within batch"."""
        if column in self.labels:
            given = self.labels[column]
            return given if isinstance(given, str) else given[0]
        *outer, inner = column.split(":")
        return f"{self.name(inner)} within {' and '.join(map(self.name, outer))}" if outer else column

    def plural(self, column: str) -> str:
        """Several of it: "support teams"; "groups of g" where there is no word for it."""
        if isinstance(self.labels.get(column), tuple):
            return self.labels[column][1]
        *outer, inner = column.split(":")
        if outer and column not in self.labels:
            return f"{self.plural(inner)} within {' and '.join(map(self.plural, outer))}"
        name = self.name(column)
        return plural(name) if WORD.fullmatch(name) else f"groups of {name}"

    def one(self, column: str) -> str:
        """One of its groups, in a sentence: "support team"; "group of g" where there is no word for it."""
        name = self.name(column)
        return name if WORD.fullmatch(name) or ":" in column else f"group of {name}"

    def group(self, column: str, level: object) -> str:
        """A group of a factor, "team 7"; its label alone where that says what it is, "group 7 of g" for no word."""
        name = self.name(column)
        return f"{name} {level}" if WORD.fullmatch(name) else f"group {level} of {name}"

    def counted(self, count: int, column: str) -> str:
        """So many of it, "18 support teams"."""
        one = count == 1 and WORD.fullmatch(self.name(column))
        return f"{count:,} {self.name(column) if one else self.plural(column)}"

    def unit(self, column: str) -> str:
        """The unit in the plural; nothing where there is none."""
        return self.units.get(column, "")

    def with_unit(self, column: str) -> str:
        """For axes: "waiting time (minutes)"."""
        unit = self.unit(column)
        return f"{self.name(column)} ({unit})" if unit else self.name(column)

    def term(self, label: str) -> str:
        """A term in words: "waiting time", "house = mid", "waiting time × house = mid"; calls stay as they are."""
        if label in self.labels:
            return self.name(label)
        return " × ".join(self._part(part) for part in _parts(label))

    def _part(self, part: str) -> str:
        found = None if "(" in part else TERM.fullmatch(part)
        return f"{self.name(found['column'])} = {found['level']}" if found else self.labels_or(part)

    def labels_or(self, part: str) -> str:
        """The name of a column that has one, else the text."""
        return self.name(part) if part in self.labels else part

    def component(self, parameter: str) -> str:
        """A parameter such as `sd(wait|team)` with the names of its columns in it."""
        found = re.fullmatch(r"(?P<kind>\w+)\((?P<effects>.*)\|(?P<factor>.*)\)", parameter, re.DOTALL)
        if not found:
            return self.term(parameter)
        effects = ", ".join(map(self.term, found["effects"].split(", ")))
        return f"{found['kind']}({effects}|{self.name(found['factor'])})"


def make_vocabulary(labels: Labels | None, units: Units | None, columns: Collection[str] | None = None) -> Vocabulary:
    """What the user gave, checked.

    Parameters
    ----------
    labels, units : mapping, optional
        By column.
    columns : collection of str, optional
        The columns of the model, and the labels of its factors; any if not given.

    Raises
    ------
    HierkitError
        For an unknown column, and for words that are no text.
    """
    for argument, given in (("labels", labels or {}), ("units", units or {})):
        if not isinstance(given, Mapping):
            raise refusal(
                f"{argument}= is a {type(given).__name__}",
                f"{argument}= maps columns to words",
                f'Pass {argument}={{"column": "word"}}',
            )
        if columns is not None and (unknown := [column for column in given if column not in columns]):
            raise refusal(
                f"{argument}= names {unknown[0]!r}, which the model does not use",
                f"Its columns are {', '.join(map(repr, dict.fromkeys(columns)))}",
                "Check the spelling",
            )
        for column, word in given.items():
            _check_word(argument, column, word)
    return Vocabulary(dict(labels or {}), dict(units or {}))


def plural(name: str) -> str:
    """A noun in the plural, by its last word."""
    *first, last = name.split(" ")
    return " ".join([*first, _plural(last)])


def singular(unit: str) -> str:
    """One of a unit: "minute" of "minutes"."""
    found = {several: one for one, several in IRREGULAR.items()}.get(unit)
    if found is not None:
        return found
    if unit.endswith("ies") and len(unit) > 4:
        return f"{unit[:-3]}y"
    if unit.endswith(("ches", "shes", "sses", "xes", "zes")):
        return unit[:-2]
    return unit[:-1] if unit.endswith("s") and not unit.endswith("ss") and len(unit) > 2 else unit


def with_article(name: str) -> str:
    """A or an, and the name."""
    lower = name.lower()
    vowel = lower.startswith(SILENT) or (lower[:1] in "aeiou" and not lower.startswith(SPOKEN))
    return f"{'an' if vowel else 'a'} {name}"


def capital(text: str) -> str:
    """With a capital letter at the beginning, if that is a word in small letters and no symbol such as y."""
    first = text.split(" ")[0]
    return text[:1].upper() + text[1:] if (first.islower() and len(first) > 1) or first == "a" else text


def _plural(word: str) -> str:
    lower = word.lower()
    if lower in IRREGULAR:
        return word[0] + IRREGULAR[lower][1:] if word[0].lower() == IRREGULAR[lower][0] else IRREGULAR[lower]
    if lower in UNCHANGED:
        return word
    if lower.endswith("y") and lower[-2:-1] not in "aeiou":
        return f"{word[:-1]}ies"
    return f"{word}es" if lower.endswith(HISS) else f"{word}s"


def _parts(label: str) -> list[str]:
    """The factors of a product, `x` and `h[a:b]` of `x:h[a:b]`: colons in brackets part nothing."""
    parts, depth = [""], 0
    for letter in label:
        depth += (letter in "([") - (letter in ")]")
        if letter == ":" and not depth:
            parts.append("")
        else:
            parts[-1] += letter
    return parts


def _check_word(argument: str, column: str, word: object) -> None:
    is_pair = isinstance(word, tuple) and len(word) == 2 and all(isinstance(one, str) and one for one in word)
    if (isinstance(word, str) and word) or (argument == "labels" and is_pair):
        return
    allowed = "a word, or a pair of words for one and for several" if argument == "labels" else "a word in the plural"
    advice = 'Write, for example, "minutes" or ("team", "teams")'
    raise refusal(f"{argument}= has {word!r} for {column!r}", f"It is {allowed}", advice)
