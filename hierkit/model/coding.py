"""Which categories of a formula's terms are coded in full, a column per level, and which against a first level.

R's rule: in a term, a category is coded against its first level if what is left of the term without it is part of an
earlier term, and in full otherwise; without an intercept the first category of all is coded in full (Chambers and
Hastie 1992, page 38, and the source of model.matrix). formulae has another rule, which adds terms that R has not.
"""

from collections.abc import Mapping
from typing import Any

from formulae.terms.terms import Model

from hierkit.model.size import check_size

Coding = dict[str, bool]


def code(terms: list[Any], frame: Any, environment: Any, words: Mapping[str, str]) -> list[bool]:
    """Evaluate formulae's terms, in place, with R's coding; for each, whether formulae would have coded it so.

    Parameters
    ----------
    terms : list
        formulae's terms of one common part, or of the effects of one group term.
    frame : pandas.DataFrame
        The rows.
    environment : formulae.environment.Environment
        What calls may refer to.
    words : dict of str to str
        The user's spelling of each component.

    Raises
    ------
    HierkitError
        For a term whose columns would take too much memory, before they are made.
    """
    for term in terms:
        term.set_type(frame, environment)
        check_size(_components(term), len(frame), words)
    codings = in_full(terms)
    for term, coding in zip(terms, codings, strict=True):
        term.set_data(coding)
    usual = _of_formulae(terms)
    return [not coding or usual.get(term.name) == [coding] for term, coding in zip(terms, codings, strict=True)]


def in_full(terms: list[Any]) -> list[Coding]:
    """For each term its categories, by name, and whether they are coded in full."""
    variables = [frozenset(component.name for component in _components(term)) for term in terms]
    codings = []
    for place, (term, own) in enumerate(zip(terms, variables, strict=True)):
        rests = {name: own - {name} for name in _categories(term)}
        codings.append({name: bool(rest) and not _is_part(rest, variables[:place]) for name, rest in rests.items()})
    has_intercept = any(term.kind == "intercept" for term in terms)
    first = next((coding for coding in codings if coding), None)
    if first is not None and not has_intercept:
        first[next(iter(first))] = True
    return codings


def _is_part(rest: frozenset[str], earlier: list[frozenset[str]]) -> bool:
    return any(rest <= other for other in earlier)


def _of_formulae(terms: list[Any]) -> dict[str, list[Coding]]:
    """The codings that formulae picks, by the names of terms; empty where it fails."""
    try:
        found: dict[str, list[Coding]] = Model(*terms)._get_encoding_bools()
    except (IndexError, KeyError, AssertionError):
        return {}
    return found


def _components(term: Any) -> list[Any]:
    return [] if term.kind == "intercept" else list(term.components)


def _categories(term: Any) -> list[str]:
    return [component.name for component in _components(term) if component.kind == "categoric"]
