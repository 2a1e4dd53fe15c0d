"""Findings about the data alone, before anything is sampled."""

from collections.abc import Iterator

import numpy as np
from scipy.linalg import qr
from scipy.optimize import linprog

from hierkit.arrays import Array
from hierkit.checks.findings import Finding, Severity
from hierkit.checks.labels import label_findings
from hierkit.checks.limits import (
    ALIKE,
    DETERMINED,
    DROPPED_SHARE,
    FEW_GROUPS,
    MANY_SINGLE_ROWS,
    MOST_ROWS_FOR_SEPARATION,
    SCALE_RATIO,
    VERY_FEW_GROUPS,
)
from hierkit.model.columns import weighted_sd
from hierkit.model.design import Design
from hierkit.model.groups import Factor
from hierkit.model.labels import some
from hierkit.model.names import all_sds
from hierkit.model.own_coefficients import combination


def data_findings(design: Design) -> Iterator[Finding]:
    """Findings about rows, groups and predictors.

    Parameters
    ----------
    design : Design
        Rows, X and factors.

    Yields
    ------
    Finding
        Rows dropped, unused levels, few groups, groups of one row, slopes on predictors that are constant within
        every group, levels left correlated by `||`, an outcome that does not vary within groups, a factor that is a
        predictor too, group effects without a common coefficient, factors of the same groups, collinear columns, scales
        far apart, categories of nearly as many levels as rows or of numbers but for a few labels, labels that
        differ in spaces or case alone, columns of interactions that are left out, an outcome that predictors determine,
        perfect separation.
    """
    yield from _rows(design)
    for factor in design.factors:
        yield from _groups(design, factor)
        yield from _outcome_within(design, factor)
        yield from _common_too(design, factor)
        yield from _no_common_coefficient(design, factor)
    yield from _same_groups(design)
    yield from _predictors(design)
    yield from label_findings(design)
    if design.dropped:
        message = f"Columns of interactions are left out: {some(list(design.dropped))}."
        advice = (
            "No row has the combination, or other columns determine it, as in R; say so where you report the model."
        )
        yield Finding("note", "columns left out", message, advice)
    if design.family.has_residual:
        yield from _determined(design)
    else:
        yield from _separation(design)


def findings_before_sampling(design: Design) -> Iterator[Finding]:
    """What to say before sampling, which then takes minutes and says little: very many groups of one row each."""
    for factor in design.factors:
        if len(factor.levels) >= MANY_SINGLE_ROWS:
            yield from (finding for finding in _single_rows(design, factor) if finding.severity == "warning")


def _rows(design: Design) -> Iterator[Finding]:
    rows = design.rows
    if rows.dropped:
        share = rows.dropped / rows.given
        columns = ", ".join(f"{name} ({count:,})" for name, count in rows.missing.items())
        dropped = f"{rows.dropped:,} of {rows.given:,} rows ({100 * share:.2g}%)"
        was = "was" if rows.dropped == 1 else "were"
        message = f"{dropped} {was} left out: missing values in {columns}."
        advice = "Check that rows are not missing because of their outcome; fill them in where that can be defended."
        yield Finding("warning" if share > DROPPED_SHARE else "note", "rows dropped", message, advice)
    for name, levels in rows.unused_levels.items():
        message = f"{name} has levels without used rows ({len(levels)}): {some(levels)}."
        yield Finding("note", "unused levels", message, "They are not part of the model.")


def _groups(design: Design, factor: Factor) -> Iterator[Finding]:
    groups = len(factor.levels)
    if groups < FEW_GROUPS:
        severity: Severity = "warning" if groups < VERY_FEW_GROUPS else "note"
        message = f"With {groups} groups the data say little about how much groups of {factor.label} differ."
        yield Finding(
            severity,
            "few groups",
            message,
            f"The prior on {all_sds(factor.label)} matters: choose it from what you know.",
        )
    yield from _single_rows(design, factor)
    # without a group intercept the slope is what groups differ by, and differences between groups inform it
    has_level = any(effect.is_intercept for effect in factor.effects)
    for effect, z in zip(factor.effects, factor.Z.T, strict=True):
        if has_level and not effect.is_intercept and factor.varies(z) == "between":
            message = (
                f"{effect.label} does not vary within any group of {factor.label}, but has a slope by {factor.label}."
            )
            advice = f"No group informs its slope; drop {effect.label} from that group term."
            yield Finding("warning", "no variation within", message, advice)
    doubled = any(term.factor_label == factor.label and not term.correlated for term in design.formula.group_terms)
    if doubled and factor.blocks:
        levels = ", ".join(factor.effects[i].label for block in factor.blocks for i in block)
        message = f"As in lme4, || leaves the columns of one term correlated: {levels}."
        yield Finding(
            "note", "double bar", message, "For uncorrelated columns, make each a numeric column of the data."
        )


def _single_rows(design: Design, factor: Factor) -> Iterator[Finding]:
    groups, singles = len(factor.levels), int((design.sizes(factor) == 1).sum())
    # one row of known sd, or of a large weight, says as much as many
    if not singles or design.outcome.sd_is_known or not design.outcome.rows_are_alike:
        return
    if singles == groups and design.family.has_residual and any(e.is_intercept for e in factor.effects):
        message = f"Every group of {factor.label} has one row: its sd and the residual sd cannot be distinguished."
        advice = "Leave the group term out; or pass known_sd= if the rows are estimates with standard errors."
        yield Finding("warning", "one-row groups", message, advice)
        return
    message = f"{singles} of {groups} groups of {factor.label} have one {design.unit.removesuffix('s')}."
    advice = "They are shrunk strongly; read their intervals, not their means."
    yield Finding("note", "one-row groups", message, advice)


def _outcome_within(design: Design, factor: Factor) -> Iterator[Finding]:
    """An outcome that was measured once for each group and copied to its rows."""
    outcome, sizes = design.outcome, design.sizes(factor)
    if (sizes <= 1).all():
        return
    if outcome.is_counts:
        successes = np.bincount(factor.codes, outcome.y, len(factor.levels))
        constant = bool(((successes == 0) | (successes == sizes)).all())
    else:
        constant = factor.varies(outcome.y - design.offset) == "between"
    if constant:
        message = f"{outcome.label} is the same in every {design.unit[:-1]} of each group of {factor.label}."
        advice = f"Make one row of each group, and leave the group terms of {factor.label} out."
        yield Finding("warning", "outcome constant in groups", message, advice)


def _common_too(design: Design, factor: Factor) -> Iterator[Finding]:
    """Group intercepts that the common columns say already: the factor itself is a predictor."""
    if not any(effect.is_intercept for effect in factor.effects) or len(factor.levels) > len(design.columns):
        return
    between = [x for x in design.X.T if factor.varies(x) == "between" or not np.ptp(x)]
    if not between:
        return
    means = np.array([np.bincount(factor.codes, x, len(factor.levels)) / factor.counts for x in between])
    if np.linalg.matrix_rank(means) == len(factor.levels):
        message = f"The predictors have a coefficient for every group of {factor.label} already."
        advice = (
            f"Leave either the predictor or the group intercepts of {factor.label} out: only their priors tell them "
            "apart."
        )
        yield Finding("warning", "common and group effect", message, advice)


def _no_common_coefficient(design: Design, factor: Factor) -> Iterator[Finding]:
    """Group effects around nothing: the formula takes it for granted that they average zero."""
    pairs = zip(factor.effects, factor.Z.T, strict=True)
    for effect in [effect for effect, z in pairs if combination(design.X, z) is None]:
        what = "an intercept" if effect.is_intercept else f"a slope on {effect.label}"
        common = "no common intercept" if effect.is_intercept else f"{effect.label} has no common coefficient"
        message = (
            f"Every group of {factor.label} has {what}, and {common}: the average over groups is taken to be zero."
        )
        add = "1" if effect.is_intercept else effect.label
        yield Finding("warning", "no common coefficient", message, f"Add {add} to the formula, unless that is known.")


def _predictors(design: Design) -> Iterator[Finding]:
    X, labels = design.X, [column.label for column in design.columns]
    if len(labels) > 1:
        scaled = _scaled(design)
        _, r, order = qr(scaled, mode="economic", pivoting=True)
        size = np.abs(np.diag(r))
        rank = int((size > 1e-9 * size[0]).sum())
        if redundant := [labels[i] for i in order[rank:]]:
            message = f"{', '.join(redundant)} can be computed from the other predictors."
            yield Finding("warning", "collinear", message, "Leave out one of them: only their priors distinguish them.")
        else:
            yield from _alike(design, scaled)
    sds = {label: weighted_sd(x, design.trials) for label, x in zip(labels, X.T, strict=True) if np.ptp(x)}
    if sds and max(sds.values()) > SCALE_RATIO * min(sds.values()):
        wide, narrow = max(sds, key=sds.__getitem__), min(sds, key=sds.__getitem__)
        message = f"The sds of {wide} ({sds[wide]:.3g}) and {narrow} ({sds[narrow]:.3g}) are far apart."
        yield Finding("note", "scales", message, "Use units in which a change by one is of interest.")


def _alike(design: Design, scaled: Array) -> Iterator[Finding]:
    """Two predictors that are nearly the same, as one that was measured twice is."""
    products = scaled.T @ scaled / len(scaled)
    for i, k in np.argwhere(np.abs(np.tril(products, -1)) > ALIKE).tolist():
        one, other = design.columns[i], design.columns[k]
        if one.variables and other.variables and not set(one.variables) & set(other.variables):
            message = f"{other.label} and {one.label} are nearly the same (correlation {products[i, k]:.9g})."
            advice = "Leave one out, or take their mean and their difference: only priors distinguish them."
            yield Finding("warning", "collinear", message, advice)


def _same_groups(design: Design) -> Iterator[Finding]:
    """Factors whose groups have the same rows: the sum of their variances is known, and not how it is shared."""
    for i, one in enumerate(design.factors):
        for other in design.factors[:i]:
            shared = {effect.label for effect in one.effects} & {effect.label for effect in other.effects}
            if not shared or len(one.levels) != len(other.levels):
                continue
            # one number for each pair of groups
            pairs = len(np.unique(one.codes * len(other.levels) + other.codes))
            if pairs == len(one.levels):
                message = f"The groups of {other.label} and {one.label} are the same rows."
                advice = "Leave one of them out: only their priors say which of the two makes groups differ."
                yield Finding("warning", "same groups", message, advice)


def _scaled(design: Design) -> Array:
    """X in units of its columns' own size, centred where an intercept makes up for it."""
    fixed = np.array([column.is_intercept for column in design.columns], dtype=bool)
    X = design.X - np.where(fixed | (not design.has_intercept), 0, design.X.mean(axis=0))
    return np.asarray(X / np.sqrt((X**2).mean(axis=0)))


def _determined(design: Design) -> Iterator[Finding]:
    """An outcome that the predictors have among them, in other units or as a sum; some of very many rows are tried."""
    some_rows = slice(None, None, -(-len(design.offset) // MOST_ROWS_FOR_SEPARATION))
    y = (design.outcome.y - design.offset)[some_rows]
    X = np.column_stack([np.ones(len(y)), design.X[some_rows]])
    sizes = np.sqrt(np.mean(X**2, axis=0))
    Q = np.linalg.qr(X / np.where(sizes > 0, sizes, 1.0))[0]
    left = y - Q @ (Q.T @ y)
    share = float(left.std() / y.std()) if np.ptp(y) else 1.0
    if share < DETERMINED and len(y) > X.shape[1]:
        message = f"The predictors determine the outcome: what they leave of its sd is {share:.0e} of it."
        advice = "Check whether the outcome was computed from one of them."
        yield Finding("warning", "outcome determined", message, advice)


def _separation(design: Design) -> Iterator[Finding]:
    """Whether a linear combination of predictors splits events from non-events, found by linear programming.

    Maximise the sum of s_i x_i'b under s_i x_i'b >= 0 and |b| <= 1, s_i = 1 for events and -1 otherwise; it is positive
    only under separation, complete or not (Konis 2007).
    """
    outcome = design.outcome
    trials = outcome.trials_of_each
    X = _scaled(design)
    if not X.size:
        return
    rows = np.unique(np.vstack([X[outcome.y > 0], -X[outcome.y < trials]]), axis=0)
    if len(rows) > MOST_ROWS_FOR_SEPARATION:
        return
    solution = linprog(-rows.sum(axis=0), A_ub=-rows, b_ub=np.zeros(len(rows)), bounds=(-1, 1), method="highs")
    if solution.x is not None and rows.sum(axis=0) @ solution.x > 1e-6:
        labels = [
            c.label for c, b in zip(design.columns, solution.x, strict=True) if abs(b) > 1e-6 and not c.is_intercept
        ]
        message = f"{', '.join(labels) or 'The intercept'} separates events from non-events perfectly in some rows."
        advice = "Only the prior bounds its coefficient: choose an informative one, or merge levels."
        yield Finding("warning", "separation", message, advice)
