"""The model as MathML, which browsers set without scripts."""

import html
from collections.abc import Iterator

from hierkit.model.design import Design
from hierkit.model.groups import Factor
from hierkit.reporting.words import outcome_name
from hierkit.vocabulary import Vocabulary

MOST_TERMS = 8
LETTERS = "jklmnopqrs"
SPACE = '<mspace width="0.2em"></mspace>'


def equation(design: Design, words: Vocabulary) -> str:
    """A block of MathML, a line for each statement; everything from the data is escaped."""
    lines = [*_outcome(design, words), _predictor(design, words)]
    lines += [_effects(factor, letter, words) for factor, letter in _lettered(design)]
    rows = "".join(f"<mtr>{''.join(f'<mtd>{cell}</mtd>' for cell in line)}</mtr>" for line in lines)
    return f'<math display="block"><mtable>{rows}</mtable></math>'


def _lettered(design: Design) -> Iterator[tuple[Factor, str]]:
    """Each factor with the letter that counts its groups."""
    for place, factor in enumerate(design.factors):
        yield factor, LETTERS[place] if place < len(LETTERS) else f"j{place}"


def _outcome(design: Design, words: Vocabulary) -> Iterator[tuple[str, str, str]]:
    y = _indexed(_text(outcome_name(design, words)), "i")
    if design.outcome.is_counts:
        yield (
            y,
            _operator("~"),
            f"{_text('Binomial')}{_in_parentheses(_indexed(_letter('n'), 'i'), _indexed(_letter('p'), 'i'))}",
        )
    elif not design.family.has_residual:
        yield y, _operator("~"), f"{_text('Bernoulli')}{_in_parentheses(_indexed(_letter('p'), 'i'))}"
    else:
        yield y, _operator("~"), f"{_text('Normal')}{_in_parentheses(_eta(), _variance(design, words))}"
        return
    yield f"{_text('logit')}{SPACE}{_indexed(_letter('p'), 'i')}", _operator("="), _eta()


def _variance(design: Design, words: Vocabulary) -> str:
    precision = design.formula.precision
    if design.outcome.sd_is_known:
        return _squared(_indexed(_text(words.labels_or(str(precision.known_sd))), "i"))
    if design.outcome.precision is None:
        return _squared(_letter("σ"))
    weight = _indexed(_text(words.labels_or(str(precision.weights))), "i")
    return f"<mfrac>{_squared(_letter('σ'))}{weight}</mfrac>"


def _predictor(design: Design, words: Vocabulary) -> tuple[str, str, str]:
    parts = []
    columns = [column for column in design.columns if not column.is_intercept]
    if design.has_intercept:
        parts.append(_indexed(_letter("β"), "0"))
    for k, column in enumerate(columns[:MOST_TERMS], start=1):
        parts.append(f"{_indexed(_letter('β'), str(k))}{SPACE}{_indexed(_text(words.term(column.label)), 'i')}")
    if len(columns) > MOST_TERMS:
        parts.append(_text(f"{len(columns) - MOST_TERMS} more terms"))
    for factor, letter in _lettered(design):
        parts += list(_of_groups(factor, letter, words))
    if design.offset.any():
        parts.append(_indexed(_text("offset"), "i"))
    return _eta(), _operator("="), _operator("+").join(parts)


def _of_groups(factor: Factor, letter: str, words: Vocabulary) -> Iterator[str]:
    """What the effects of a row's group add: u_0j[i] + u_1j[i] x_i."""
    for name, effect in zip(_names(factor, f"{letter}[i]"), factor.effects, strict=True):
        yield name if effect.is_intercept else f"{name}{SPACE}{_indexed(_text(words.term(effect.label)), 'i')}"


def _effects(factor: Factor, letter: str, words: Vocabulary) -> tuple[str, str, str]:
    """The distribution of a factor's effects, and what its letter counts."""
    names, group = _names(factor, letter), _text(words.name(factor.label))
    if len(names) == 1:
        left, spread = names[0], f"<msubsup><mrow>{_letter('τ')}</mrow><mrow>{group}</mrow><mn>2</mn></msubsup>"
    else:
        left, spread = _in_parentheses(*names), f"<msub><mrow>{_letter('G')}</mrow><mrow>{group}</mrow></msub>"
    said = f"{_operator(',')}{SPACE}{_letter(letter)}{_operator(':')}{SPACE}{group}"
    return left, _operator("~"), f"{_text('Normal')}{_in_parentheses('<mn>0</mn>', spread)}{said}"


def _names(factor: Factor, index: str) -> list[str]:
    """The effects of one group, u_j or u_0j and u_1j."""
    numbers = [""] if len(factor.effects) == 1 else [f"<mn>{k}</mn>" for k in range(len(factor.effects))]
    return [f"<msub><mrow>{_letter('u')}</mrow><mrow>{number}{_letter(index)}</mrow></msub>" for number in numbers]


def _eta() -> str:
    return _indexed(_letter("η"), "i")


def _letter(letter: str) -> str:
    return f"<mi>{letter}</mi>"


def _text(text: str) -> str:
    return f"<mtext>{html.escape(text)}</mtext>"


def _operator(sign: str) -> str:
    return f"<mo>{sign}</mo>"


def _indexed(base: str, index: str) -> str:
    tag = "mn" if index.isdigit() else "mi"
    return f"<msub><mrow>{base}</mrow><{tag}>{index}</{tag}></msub>"


def _squared(base: str) -> str:
    return f"<msup><mrow>{base}</mrow><mn>2</mn></msup>"


def _in_parentheses(*parts: str) -> str:
    return f"<mrow><mo>(</mo>{'<mo>,</mo>'.join(parts)}<mo>)</mo></mrow>"
