"""What was found, in sentences with numbers and units: how much groups differ, what a unit does, who stands out."""

from collections.abc import Iterator

import xarray as xr

from hierkit.model.design import Design
from hierkit.model.groups import Factor
from hierkit.model.syntax import columns_in
from hierkit.model.terms import Column
from hierkit.quantities.blup_qq import blup_qq
from hierkit.quantities.coefficients import coefficients
from hierkit.quantities.icc import icc
from hierkit.quantities.marginal import marginal_coefficients
from hierkit.quantities.quantity import Quantity
from hierkit.quantities.shrinkage import shrinkage
from hierkit.quantities.typical import is_measured
from hierkit.quantities.variance import variance_components
from hierkit.report.parts import MOST_FITTED, Parts, thinned

NAMED = 5


def story(parts: Parts) -> tuple[str, ...]:
    """The findings about groups and predictors, a sentence or two each."""
    sentences = [*_caution(parts), *_between(parts), *_predictors(parts)]
    for factor in parts.design.factors:
        sentences += [*_pooling(parts, factor), *_outlying(parts, factor)]
    return tuple(sentences)


def _caution(parts: Parts) -> Iterator[str]:
    if checks := [finding.check for finding in parts.findings.need_action]:
        yield f"The draws cannot be trusted yet ({', '.join(checks)}): what follows may be wrong."


def _between(parts: Parts) -> Iterator[str]:
    design = parts.design
    if not design.factors:
        yield f"All {len(design.offset):,} rows are one population: the model has no groups."
        return
    sds = variance_components(parts.posterior, design).draws["value"]
    shares = icc(thinned(parts.posterior), design).draws
    unit = f"units of {design.outcome.label}" if design.family == "gaussian" else "log odds"
    for factor in design.factors:
        effect = factor.effects[0]
        per = "" if effect.is_intercept else f" per unit of {effect.label}"
        text = (
            f"Groups of {factor.label} differ: {_spoken(effect.label)} varies between them with a standard deviation "
            f"of {_number(sds.sel(component=f'sd({effect.label}|{factor.label})'))} {unit}{per}"
        )
        if design.family == "gaussian" and len(design.factors) == 1 and effect.is_intercept:
            text += f", beside {_number(sds.sel(component='sigma'))} within groups"
        where = "response" if "response" in shares else "latent"
        share = _number(shares[where].sel(factor=factor.label), percent=True)
        scale = "outcome's variance" if where == "response" else "variance"
        yield f"{text}. At the mean row {share} of the {scale} lies between them."


def _spoken(effect: str) -> str:
    return "their level" if effect == "1" else f"the effect of {effect}"


def _predictors(parts: Parts) -> Iterator[str]:
    design = parts.design
    columns = [column for column in design.columns if not column.is_intercept]
    if not columns:
        return
    found = coefficients(parts.posterior, design).draws
    if design.family == "gaussian":
        where = ", within a group and across the population alike" if design.factors else ""
        for column in columns:
            change = _number(found["coefficient"].sel(term=column.label))
            subject = _subject(design, column)
            yield f"{subject} changes {design.outcome.label} by {change}{where}." + _slopes(parts, column.label)
        return
    across = marginal_coefficients(thinned(parts.posterior), design).draws if design.factors else None
    for column in columns:
        ratio = _number(found["odds_ratio"].sel(term=column.label))
        text = f"{_subject(design, column)} multiplies the odds by {ratio}"
        if across is not None:
            wide = _number(across["odds_ratio"].sel(term=column.label))
            text += f" within a group, and by {wide} across the population"
        yield f"{text}." + _slopes(parts, column.label)


def _subject(design: Design, column: Column) -> str:
    return f"One unit more of {column.label}" if _is_unit(design, column) else f"The term {column.label}"


def _is_unit(design: Design, column: Column) -> bool:
    """Whether a coefficient is what one unit of a predictor does: a number that stands in no other term."""
    label, others = column.label, [other.label for other in design.columns if other is not column]
    alone = columns_in(design.formula.common_tree).count(label) == 1 and not any(label in o.split(":") for o in others)
    return label in design.formula.predictors and is_measured(design, label) and alone


def _slopes(parts: Parts, label: str) -> str:
    """How far groups' own slopes spread, where they vary."""
    for factor in parts.design.factors:
        if label in [effect.label for effect in factor.effects]:
            sds = variance_components(parts.posterior, parts.design).draws["value"]
            sd = _number(sds.sel(component=f"sd({label}|{factor.label})"))
            return f" It differs between groups of {factor.label}, with a standard deviation of {sd}."
    return ""


def _pooling(parts: Parts, factor: Factor) -> Iterator[str]:
    found = shrinkage(thinned(parts.posterior), parts.design, factor.label).draws["overall"]
    kept, counts = found.mean(("chain", "draw")).values, factor.counts
    least, most = kept.argmin(), kept.argmax()
    text = f"A group of {factor.label} keeps between {kept[least]:.0%} and {kept[most]:.0%} of its own evidence"
    if counts[least] < counts[most]:
        text += f" (those with {counts[least]:,} and {counts[most]:,} rows)"
    yield text + "; the rest of its estimate comes from the other groups."


def _outlying(parts: Parts, factor: Factor) -> Iterator[str]:
    if len(factor.levels) > MOST_FITTED:
        return
    found = blup_qq(parts.posterior, parts.design, factor.label).draws["outlying"]
    names = [str(name) for name in found["group"].values[found.values]]
    if not names:
        yield f"No group of {factor.label} stands out from what a normal distribution of effects allows."
        return
    shown = ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED} more" if len(names) > NAMED else "")
    yield f"Standing out among groups of {factor.label}: {shown}."


def _number(draws: xr.DataArray, percent: bool = False) -> str:
    """A mean with its interval, in words."""
    row = Quantity(xr.Dataset({"value": draws.drop_vars([c for c in draws.coords if c not in draws.dims])}), "").table()
    pattern = "{:.0%}" if percent else "{:.3g}"
    mean, lower, upper = (pattern.format(row[name].iloc[0]) for name in ("estimate", "ci_lower", "ci_upper"))
    return f"{mean} ({lower} to {upper})"
