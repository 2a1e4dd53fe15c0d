"""What the group effects say against the model: groups that do not fit, and effects that go with a predictor."""

from collections.abc import Iterator

import numpy as np
from scipy import stats

from hierkit.checks.findings import Finding
from hierkit.checks.limits import FEWEST_GROUPS_COMPARED, MOST_GROUPS_COMPARED, P_VALUE
from hierkit.model.groups import Factor
from hierkit.model.labels import some
from hierkit.model.reference_rows import is_numeric
from hierkit.posterior.posterior import Posterior
from hierkit.quantities.blup_qq import outlying_groups


def group_findings(posterior: Posterior) -> Iterator[Finding]:
    """Findings about the groups, for factors of at most 500.

    Parameters
    ----------
    posterior : Posterior
        The draws with their design.

    Yields
    ------
    Finding
        Outlying groups, as `blup_qq` has them (one good model in twenty has one); group levels whose posterior means
        are correlated (p < 0.001, at least ten groups) with the groups' means of a number that varies within them and
        between them: its one slope then mixes what it does within groups with how groups differ.
    """
    posterior = posterior.in_memory
    for factor in posterior.design.factors:
        if len(factor.levels) <= MOST_GROUPS_COMPARED and bool(np.isfinite(posterior.effects(factor).u).all()):
            yield from _outlying(posterior, factor)
            yield from _within_and_between(posterior, factor)


def _outlying(posterior: Posterior, factor: Factor) -> Iterator[Finding]:
    found = outlying_groups(posterior, factor)
    if len(found):
        message = (
            f"Groups of {factor.label} whose effects are too extreme for a normal distribution: {some(found.tolist())}."
        )
        advice = 'Look at their rows; effects="student_t" leaves the others alone. See blup_qq().'
        yield Finding("note", "outlying groups", message, advice)


def _within_and_between(posterior: Posterior, factor: Factor) -> Iterator[Finding]:
    design = posterior.design
    labels = [effect.label for effect in factor.effects if effect.is_intercept]
    if not labels or len(factor.levels) < FEWEST_GROUPS_COMPARED:
        return
    # shrunken or not: under the model they do not depend on the predictor
    level = posterior.effects(factor).u.sel(effect=labels[0]).mean(("chain", "draw")).values
    names = {column.label: i for i, column in enumerate(design.columns)}
    for name in [name for name in design.formula.predictors if name in names and is_numeric(design.rows.frame[name])]:
        x = design.X[:, names[name]] - design.X[:, names[name]].mean()
        if factor.varies(x) != "both" or not np.ptp(level):
            continue
        sums = np.bincount(factor.codes, x * design.trials, len(factor.levels))
        sizes = design.sizes(factor)
        known = sizes > 0
        r, p = stats.pearsonr(level[known], sums[known] / sizes[known])
        if p > P_VALUE:
            continue
        message = f"The intercepts of {factor.label} are correlated ({r:.2f}) with the group means of {name}."
        first = "" if factor.label in design.rows.frame else f"Make {factor.label} a column. "
        split = f'hierkit.center_within(data, "{name}", by="{factor.label}")'
        advice = f"{first}Split {name} with {split}, and see mundlak_contrast()."
        yield Finding("warning", "within and between", message, advice)
