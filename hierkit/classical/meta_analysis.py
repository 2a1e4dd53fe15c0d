"""Estimates with known sampling sds and one group each, by statsmodels' meta-analysis."""

import numpy as np
from statsmodels.stats.meta_analysis import combine_effects

from hierkit.classical.linear_mixed import Values
from hierkit.model.design import Design

PAULE_MANDEL = "τ² by Paule and Mandel (1982)"


def is_meta_analysis(design: Design) -> bool:
    """Whether a design is a mean and one effect for each row, with known sds."""
    if not design.outcome.sd_is_known or len(design.factors) != 1 or not design.has_intercept:
        return False
    factor = design.factors[0]
    alone = len(design.columns) == 1 and len(factor.effects) == 1 and factor.effects[0].is_intercept
    return alone and bool((factor.counts == 1).all())


def meta_analysis(design: Design) -> tuple[Values, str]:
    """The mean with its standard error, and τ."""
    y = design.outcome.y - design.offset
    found = combine_effects(y, 1 / design.row_weights, method_re="iterated")
    mean = (float(found.mean_effect_re), float(found.sd_eff_w_re))
    factor = design.factors[0]
    tau = float(np.sqrt(found.tau2))
    return {design.columns[0].label: mean, factor.sd(factor.effects[0]): (tau, np.nan)}, PAULE_MANDEL
