"""The frozen Fit: a model and its draws. Every method is one call of a pure function."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from hierkit.checks.all_checks import checks
from hierkit.checks.findings import Findings
from hierkit.checks.sampling import sampling_findings
from hierkit.classical.compare_pooling import compare_pooling
from hierkit.errors import SamplingWarning, warn
from hierkit.model.design import Design
from hierkit.model.formula import Formula
from hierkit.model.groups import Factor
from hierkit.model.names import matrix_dims
from hierkit.model.priors import Priors
from hierkit.model.run import Run
from hierkit.posterior.posterior import Posterior
from hierkit.posterior.quantity import Quantity
from hierkit.prediction.predict import predict
from hierkit.prediction.predictive_check import observed, predictive_check, replicated
from hierkit.quantities.blup_qq import blup_qq
from hierkit.quantities.break_even_size import break_even_size
from hierkit.quantities.coefficients import coefficients
from hierkit.quantities.design_effect import design_effect
from hierkit.quantities.group_effects import group_effects
from hierkit.quantities.icc import icc
from hierkit.quantities.marginal_coefficients import marginal_coefficients
from hierkit.quantities.mundlak_contrast import mundlak_contrast
from hierkit.quantities.pooling_factors import pooling_factors
from hierkit.quantities.prior_and_posterior import prior_and_posterior
from hierkit.quantities.prior_sensitivity import prior_sensitivity
from hierkit.quantities.r_squared import r_squared
from hierkit.quantities.ranks import ranks
from hierkit.quantities.response_curve import response_curve
from hierkit.quantities.shrinkage import shrinkage
from hierkit.quantities.slopes import slopes
from hierkit.quantities.variance_components import variance_components
from hierkit.refitting import refit
from hierkit.report.parts import Parts
from hierkit.report.render import Report, render_notebook, render_report
from hierkit.report.sections import Summary, summarise
from hierkit.sampling.settings import check_count, read_seed
from hierkit.validation.leave_out import Validation, logo, loo

if TYPE_CHECKING:
    import bambi
    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False, repr=False)
class Fit:
    """A fitted model and its draws. Nothing in it changes after it is made.

    Attributes
    ----------
    formula : Formula
        What was asked for.
    design : Design
        The rows used and dropped, the outcome, X, and the factors with their levels.
    priors : Priors
        The prior of every parameter; printing it shows the table.
    draws : xarray.DataTree
        posterior and sample_stats (chain, draw, ...), observed_data and constant_data; Bambi's names, the groups' own
        labels. `attrs` say which engine made them and why, with seed, settings and versions.
    """

    formula: Formula
    design: Design
    priors: Priors
    draws: xr.DataTree

    @cached_property
    def model(self) -> "bambi.Model":
        """The same model in Bambi, built when first asked for; its names are the names in `draws`."""
        from hierkit.model.bambi_model import build  # Bambi takes seconds to import, and most users never ask

        return build(self.design, self.priors, self._run.effects)

    def coefficients(self) -> Quantity:
        """The conditional coefficients; see `hierkit.quantities.coefficients.coefficients`."""
        return coefficients(self._posterior)

    def variance_components(self) -> Quantity:
        """Sds and correlations of effects; see `hierkit.quantities.variance_components.variance_components`."""
        return variance_components(self._posterior)

    def icc(self, along: str | None = None) -> Quantity:
        """The share of variance between groups; see `hierkit.quantities.icc.icc`."""
        return icc(self._posterior, along)

    def design_effect(self, factor: str | None = None) -> Quantity:
        """What clustering costs; see `hierkit.quantities.design_effect.design_effect`."""
        return design_effect(self._posterior, factor)

    def r_squared(self) -> Quantity:
        """Marginal and conditional R²; see `hierkit.quantities.r_squared.r_squared`."""
        return r_squared(self._posterior)

    def shrinkage(self, factor: str | None = None, kind: str = "blup") -> Quantity:
        """How much of its own evidence each group keeps; see `hierkit.quantities.shrinkage.shrinkage`."""
        return shrinkage(self._posterior, factor, kind)

    def pooling_factors(self, factor: str | None = None) -> Quantity:
        """Gelman and Pardoe's pooling factors; see `hierkit.quantities.pooling_factors.pooling_factors`."""
        return pooling_factors(self._posterior, factor)

    def break_even_size(self, factor: str | None = None) -> Quantity:
        """The rows with which a group keeps half; see `hierkit.quantities.break_even_size.break_even_size`."""
        return break_even_size(self._posterior, factor)

    def compare_pooling(self, factor: str | None = None) -> Quantity:
        """Complete, no and partial pooling side by side; see `hierkit.classical.compare_pooling.compare_pooling`."""
        return compare_pooling(self._posterior, factor)

    def marginal_coefficients(self, projection: str = "likelihood") -> Quantity:
        """Coefficients across the population; see `hierkit.quantities.marginal_coefficients.marginal_coefficients`."""
        return marginal_coefficients(self._posterior, projection)

    def slopes(
        self,
        variable: str,
        kind: str = "conditional",
        scale: str = "response",
        by: str | None = None,
        factor: str | None = None,
    ) -> Quantity:
        """What one unit of a predictor does; see `hierkit.quantities.slopes.slopes`."""
        return slopes(self._posterior, variable, kind, scale, by, factor)

    def response_curve(self, variable: str, factor: str | None = None, groups: Sequence[Any] | None = None) -> Quantity:
        """The mean along a predictor; see `hierkit.quantities.response_curve.response_curve`."""
        return response_curve(self._posterior, variable, factor, groups)

    def blup_qq(self, factor: str | None = None) -> Quantity:
        """Whether group effects look normal; see `hierkit.quantities.blup_qq.blup_qq`."""
        return blup_qq(self._posterior, factor)

    def ranks(
        self,
        factor: str | None = None,
        effect: str | None = None,
        best: int | None = None,
        highest_first: bool = True,
    ) -> Quantity:
        """Where each group stands, and how sure that is; see `hierkit.quantities.ranks.ranks`."""
        return ranks(self._posterior, factor, effect, best, highest_first)

    def mundlak_contrast(self, variable: str) -> Quantity:
        """Between less within; see `hierkit.quantities.mundlak_contrast.mundlak_contrast`."""
        return mundlak_contrast(self._posterior, variable)

    def group_effects(self, factor: str | None = None) -> Quantity:
        """Each group's deviation and coefficient; see `hierkit.quantities.group_effects.group_effects`."""
        return group_effects(self._posterior, factor)

    def predict(
        self,
        new_rows: Any,
        groups: str | Mapping[str, str] = "known",
        kind: str = "mean",
        given: Any = None,
        random_seed: int | None = None,
    ) -> Quantity:
        """New rows in known, new or typical groups or across all; see `hierkit.prediction.predict.predict`."""
        return predict(self._posterior, new_rows, groups, kind, given, self._seed(random_seed))

    def posterior_predictive(self, groups: str = "known", random_seed: int | None = None) -> xr.DataTree:
        """The draws with replicated data for ArviZ's plots; see `hierkit.prediction.predictive_check.replicated`."""
        found = replicated(self._posterior, groups, self._seed(random_seed))
        kept = {name: node.to_dataset() for name, node in self.draws.children.items()}
        return xr.DataTree.from_dict(kept | {"posterior_predictive": found, "observed_data": observed(self.design)})

    def prior_predictive(self, draws: int = 1000, random_seed: int | None = None) -> xr.DataTree:
        """Draws of the prior, and of data from it; see `hierkit.prediction.predictive_check.replicated`."""
        from hierkit.sampling.pymc.engine import sample_prior  # Bambi and PyMC take seconds to import

        check_count("draws", draws)
        seed = self._seed(random_seed)
        prior = sample_prior(self.design, self.priors, self._run.effects, draws, seed)
        found = replicated(Posterior(prior, self.design), "known", seed)
        groups = {"prior": prior, "prior_predictive": found, "observed_data": observed(self.design)}
        return xr.DataTree.from_dict(groups)

    def predictive_check(self, groups: str = "new", random_seed: int | None = None) -> Quantity:
        """Groups in replicated data beside those seen; see `hierkit.prediction.predictive_check.predictive_check`."""
        found = replicated(self._posterior, groups, self._seed(random_seed))
        return predictive_check(found, self.design, groups)

    def loo(self, refit: bool = False) -> Validation:
        """Rows left out one at a time; `refit` fits again where needed; see `hierkit.validation.leave_out.loo`."""
        return loo(self._posterior, self._without if refit else None)

    def logo(
        self, factor: str | Factor | None = None, refit: bool = False, random_seed: int | None = None
    ) -> Validation:
        """Groups left out one at a time; `refit` fits again where needed; see `hierkit.validation.leave_out.logo`."""
        chosen = factor if isinstance(factor, Factor) else self.design.factor(factor)
        again = self._without if refit else None
        return logo(self._posterior, chosen, again, self._seed(random_seed))

    def prior_sensitivity(self) -> Quantity:
        """How much the priors matter; see `hierkit.quantities.prior_sensitivity.prior_sensitivity`."""
        return prior_sensitivity(self._posterior, self.priors)

    def prior_and_posterior(self) -> Quantity:
        """Each sd beside its prior; see `hierkit.quantities.prior_and_posterior.prior_and_posterior`."""
        return prior_and_posterior(self._posterior, self.priors)

    def plot_trace(self) -> "Figure":
        """Distributions and ranks of the parameters by chain; see `hierkit.plots.sampling.trace`."""
        from hierkit.plots.sampling import trace  # arviz_plots takes a second to import

        common = self._posterior.common
        return trace(self.draws, [str(name) for name, variable in common.items() if not matrix_dims(variable)])

    def plot_replicates(self, groups: str = "known") -> "Figure":
        """Replicated outcomes beside the observed ones; see `hierkit.plots.sampling.replicates`."""
        from hierkit.plots.sampling import replicates  # arviz_plots takes a second to import

        return replicates(self.posterior_predictive(groups), self.design.outcome_name)

    def classical(self) -> Quantity:
        """The same model in statsmodels beside the posterior; see `hierkit.classical.classical.classical`."""
        from hierkit.classical.classical import classical  # statsmodels takes a second to import

        return classical(self._posterior)

    def checks(self) -> Findings:
        """What to know before using the results; see `hierkit.checks.all_checks.checks`."""
        return self._findings

    def summary(self) -> Summary:
        """The fit on one page of text: findings, coefficients, variance components, data."""
        return summarise(self._parts)

    def report(
        self, title: str | None = None, sections: Sequence[str] | None = None, include_levels: bool = True
    ) -> Report:
        """The fit as one self-contained HTML page; see `hierkit.report.render.render_report`."""
        return render_report(self._parts, title, sections, include_levels)

    def save(self, path: str | Path) -> Path:
        """Write the fit into one file that `hierkit.load` reads; see `hierkit.storage.write`."""
        from hierkit import storage  # Zarr takes a third of a second to import

        return storage.write(
            path, self.formula.text, self.design.family.name, self.design.rows, self.priors, self.draws
        )

    @cached_property
    def _posterior(self) -> Posterior:
        return Posterior(self.draws["posterior"].to_dataset(), self.design)

    @property
    def _run(self) -> Run:
        return Run.from_attrs(self.draws.attrs)

    @cached_property
    def _findings(self) -> Findings:
        return checks(self.draws, self.design, self.priors)

    def _without(self, kept: NDArray[np.intp]) -> Posterior:
        """The posterior of the same model given some of the rows."""
        draws, design = refit(self.design, self.priors, self._run, kept)
        if trouble := [finding for finding in sampling_findings(draws) if finding.severity == "action"]:
            warn(f"A fit without some of the rows: {trouble[0].message} Its score is rough.", SamplingWarning)
        return Posterior(draws["posterior"].to_dataset(), design)

    def _seed(self, given: int | np.random.Generator | None) -> int:
        """The seed that was given, or the fit's own."""
        return self._run.random_seed if given is None else read_seed(given)

    @property
    def _parts(self) -> Parts:
        return Parts(self.design, self.priors, self.draws, self._findings)

    def __repr__(self) -> str:
        return str(self.summary())

    def _repr_html_(self) -> str:
        return render_notebook(self._parts)
