"""What a report is made of: the parts of a fit, with or without its groups' names, and what several sections use."""

from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import xarray as xr

from hierkit.checks.all_checks import checks
from hierkit.checks.findings import Findings
from hierkit.checks.sampling import Measures, measures
from hierkit.model.design import Design
from hierkit.model.groups import Factor
from hierkit.model.names import FactorNames
from hierkit.model.priors import Priors
from hierkit.model.run import Run
from hierkit.posterior.posterior import Posterior
from hierkit.posterior.quantity import Quantity
from hierkit.quantities.blup_qq import blup_qq
from hierkit.quantities.icc import icc
from hierkit.quantities.marginal_coefficients import marginal_coefficients
from hierkit.quantities.shrinkage import shrinkage
from hierkit.quantities.variance_components import variance_components
from hierkit.vocabulary import Vocabulary

MOST_FITTED = 500  # groups that are fitted or drawn each for itself
# draws for what takes long and is shown to three digits, fewer for many rows
ENOUGH = 1000
FEWEST = 100
# numbers of groups in draws that are summarised for one table: effects, and shrinkage factors with what belongs to them
MOST_EFFECTS, MOST_FACTORS = 100_000_000, 20_000_000
MOST_MEANS = 20_000_000  # means of rows in draws that are computed for one quantity


@dataclass(frozen=True, eq=False)
class Parts:
    """The parts of a fit, what was found of it, and what several sections show, computed once when first asked for."""

    design: Design
    priors: Priors
    draws: xr.DataTree
    findings: Findings
    measures: Measures
    words: Vocabulary = field(default_factory=Vocabulary)
    calibration: Quantity | None = None

    @property
    def run(self) -> Run:
        """How the model was sampled."""
        return Run.from_attrs(self.draws.attrs)

    @cached_property
    def posterior(self) -> Posterior:
        """All draws."""
        return Posterior(self.draws["posterior"].to_dataset(), self.design)

    @cached_property
    def thinned(self) -> Posterior:
        """About a thousand of the draws."""
        return self.posterior.thinned(ENOUGH)

    def of_groups(self, factor: Factor) -> Posterior:
        """The draws that tables and pictures of a factor's groups take: all, or fewer of very many groups."""
        size = len(factor.levels) * len(factor.effects)
        return self.posterior.thinned(max(FEWEST, MOST_EFFECTS // size)).within_memory(size)

    @cached_property
    def shares(self) -> Quantity:
        """Intraclass correlations."""
        return icc(self.thinned)

    @cached_property
    def sds(self) -> xr.DataArray:
        """(chain, draw, component), standard deviations and correlations."""
        return variance_components(self.posterior).draws["value"]

    @cached_property
    def across(self) -> Quantity:
        """Coefficients across the population."""
        rows = len(self.design.of_rows.offset)
        return marginal_coefficients(self.posterior.thinned(min(ENOUGH, max(FEWEST, MOST_MEANS // rows))))

    @cached_property
    def kept(self) -> dict[str, Quantity]:
        """Shrinkage, by factor."""
        sizes = {factor.label: len(factor.levels) * len(factor.effects) for factor in self.design.factors}
        enough = {label: min(ENOUGH, max(FEWEST, MOST_FACTORS // size)) for label, size in sizes.items()}
        return {
            label: shrinkage(self.posterior.thinned(some).within_memory(sizes[label]), label)
            for label, some in enough.items()
        }

    @cached_property
    def unusual(self) -> dict[str, Quantity]:
        """Q-Q of group effects, by factor, without those of too many groups."""
        labels = [factor.label for factor in self.design.factors if len(factor.levels) <= MOST_FITTED]
        return {label: blup_qq(self.posterior, label) for label in labels}

    def is_student_t(self, factor: Factor) -> bool:
        """Whether a factor's effects are Student-t."""
        return self.posterior.degrees(factor) is not None

    def spread(self, factor: Factor) -> str:
        """What τ is called."""
        return "Student-t scale" if self.is_student_t(factor) else "standard deviation"


def without_levels(parts: Parts) -> Parts:
    """The same parts with groups numbered instead of named, findings included."""
    names = {f.name: np.array([f"group {i + 1}" for i in range(len(f.levels))], object) for f in parts.design.factors}
    factors = tuple(replace(factor, levels=names[factor.name]) for factor in parts.design.factors)
    grouping = {column for term in parts.design.formula.group_terms for column in term.factor}
    unused = {name: levels for name, levels in parts.design.rows.unused_levels.items() if name not in grouping}
    rows = replace(parts.design.rows, unused_levels=unused)
    design = replace(parts.design, factors=factors, rows=rows)
    coords = {FactorNames(name).group_dim: levels for name, levels in names.items()}
    nodes = {name: node.to_dataset() for name, node in parts.draws.children.items()}
    draws = xr.DataTree.from_dict(nodes | {"posterior": nodes["posterior"].assign_coords(coords)})
    draws.attrs = parts.draws.attrs
    measured = measures(draws)  # anew: they name groups
    findings = checks(draws, design, parts.priors, measured)
    return replace(parts, design=design, draws=draws, findings=findings, measures=measured)
