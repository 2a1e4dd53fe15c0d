"""The frozen Fit: a model and its draws. Methods call pure functions, whose docstrings they show."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from hierkit.checks.all_checks import checks
from hierkit.checks.findings import Findings
from hierkit.checks.sampling import Measures, measures, sampling_findings
from hierkit.classical.classical import classical
from hierkit.classical.compare_pooling import compare_pooling
from hierkit.documented import documented_by
from hierkit.model.design import Design
from hierkit.model.formula import Formula
from hierkit.model.groups import Factor
from hierkit.model.points import check_keeps_rows
from hierkit.model.priors import Priors
from hierkit.model.run import Run
from hierkit.pictures import plot_replicates, plot_trace
from hierkit.posterior.posterior import Posterior
from hierkit.posterior.quantity import Quantity
from hierkit.prediction.predict import Groups, PredictionKind, predict
from hierkit.prediction.predictive_check import ReplicatedGroups, predictive_check
from hierkit.predictive import posterior_predictive, prior_predictive
from hierkit.quantities.blup_qq import blup_qq
from hierkit.quantities.break_even_size import break_even_size
from hierkit.quantities.coefficients import coefficients
from hierkit.quantities.design_effect import design_effect
from hierkit.quantities.group_effects import group_effects
from hierkit.quantities.icc import icc
from hierkit.quantities.marginal_coefficients import Projection, marginal_coefficients
from hierkit.quantities.mundlak_contrast import mundlak_contrast
from hierkit.quantities.pooling_factors import pooling_factors
from hierkit.quantities.prior_and_posterior import prior_and_posterior
from hierkit.quantities.prior_sensitivity import prior_sensitivity
from hierkit.quantities.r_squared import r_squared
from hierkit.quantities.ranks import ranks
from hierkit.quantities.response_curve import response_curve
from hierkit.quantities.shrinkage import ShrinkageKind, shrinkage
from hierkit.quantities.slopes import Scale, SlopeKind, slopes
from hierkit.quantities.variance_components import variance_components
from hierkit.refitting import refit
from hierkit.reporting.parts import Parts
from hierkit.reporting.render import Report, render_notebook, render_report
from hierkit.reporting.sections import Summary, summarise
from hierkit.sampling.settings import read_seed
from hierkit.simulation.calibration import calibration
from hierkit.statements.contrast import contrast, probability
from hierkit.storage.files import write
from hierkit.streaming.predictions import write_predictions
from hierkit.validation.leave_out import logo, loo
from hierkit.validation.validation import Validation
from hierkit.vocabulary import Labels, Units

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
        labels; effects of very many groups are not among them (docs/beyond_memory.md). `attrs` say which engine made
        them and why, with seed, settings and versions.
    """

    formula: Formula
    design: Design
    priors: Priors
    draws: xr.DataTree

    @cached_property
    def model(self) -> "bambi.Model":
        """The same model in Bambi, built when first asked for; its names are the names in `draws`."""
        from hierkit.model.bambi_model import build  # Bambi takes seconds to import, and most users never ask

        check_keeps_rows(self.design, "fit.model")
        return build(self.design, self.priors, self._run.effects)

    @documented_by(coefficients)
    def coefficients(self) -> Quantity:
        return coefficients(self._posterior)

    @documented_by(variance_components)
    def variance_components(self) -> Quantity:
        return variance_components(self._posterior)

    @documented_by(icc)
    def icc(self, along: str | None = None) -> Quantity:
        return icc(self._posterior, along)

    @documented_by(design_effect)
    def design_effect(self, factor: str | None = None) -> Quantity:
        return design_effect(self._posterior, factor)

    @documented_by(r_squared)
    def r_squared(self) -> Quantity:
        return r_squared(self._posterior)

    @documented_by(shrinkage)
    def shrinkage(self, factor: str | None = None, kind: ShrinkageKind = "blup") -> Quantity:
        return shrinkage(self._posterior, factor, kind)

    @documented_by(pooling_factors)
    def pooling_factors(self, factor: str | None = None) -> Quantity:
        return pooling_factors(self._posterior, factor)

    @documented_by(break_even_size)
    def break_even_size(self, factor: str | None = None) -> Quantity:
        return break_even_size(self._posterior, factor)

    @documented_by(compare_pooling)
    def compare_pooling(self, factor: str | None = None) -> Quantity:
        return compare_pooling(self._posterior, factor)

    @documented_by(marginal_coefficients)
    def marginal_coefficients(self, projection: Projection = "likelihood") -> Quantity:
        return marginal_coefficients(self._posterior, projection)

    @documented_by(slopes)
    def slopes(
        self, variable: str, kind: SlopeKind = "conditional", scale: Scale = "response", by: str | None = None,
        factor: str | None = None,
    ) -> Quantity:  # fmt: skip
        return slopes(self._posterior, variable, kind, scale, by, factor)

    @documented_by(response_curve)
    def response_curve(self, variable: str, factor: str | None = None, groups: Sequence[Any] | None = None) -> Quantity:
        return response_curve(self._posterior, variable, factor, groups)

    @documented_by(blup_qq)
    def blup_qq(self, factor: str | None = None) -> Quantity:
        return blup_qq(self._posterior, factor)

    @documented_by(ranks)
    def ranks(
        self, factor: str | None = None, effect: str | None = None, best: int | None = None, highest_first: bool = True
    ) -> Quantity:
        return ranks(self._posterior, factor, effect, best, highest_first)

    @documented_by(mundlak_contrast)
    def mundlak_contrast(self, variable: str) -> Quantity:
        return mundlak_contrast(self._posterior, variable)

    @documented_by(group_effects)
    def group_effects(self, factor: str | None = None) -> Quantity:
        return group_effects(self._posterior, factor)

    @documented_by(contrast)
    def contrast(self, *expressions: str, rows: Any = None, groups: Groups = "typical") -> Quantity:
        return contrast(self._posterior, *expressions, rows=rows, groups=groups)

    @documented_by(probability)
    def probability(self, *statements: str, rows: Any = None, groups: Groups = "typical") -> Quantity:
        return probability(self._posterior, *statements, rows=rows, groups=groups)

    @documented_by(predict)
    def predict(
        self,
        new_rows: Any,
        groups: Groups | Mapping[str, Groups] = "known",
        kind: PredictionKind = "mean",
        given: Any = None,
        weights: str | None = None,
        by: str | Sequence[str] | None = None,
        random_seed: int | None = None,
    ) -> Quantity:
        seed = self._seed(random_seed)
        return predict(self._posterior, new_rows, groups, kind, given, weights, by, seed)

    @documented_by(write_predictions)
    def write_predictions(
        self, path: str | Path, new_rows: Any, groups: Groups | Mapping[str, Groups] = "known",
        kind: PredictionKind = "mean", draws: int = 400, random_seed: int | None = None,
    ) -> Path:  # fmt: skip
        return write_predictions(self._posterior, path, new_rows, groups, kind, draws, self._seed(random_seed))

    @documented_by(posterior_predictive)
    def posterior_predictive(self, groups: ReplicatedGroups = "known", random_seed: int | None = None) -> xr.DataTree:
        return posterior_predictive(self._posterior, self.draws, groups, self._seed(random_seed))

    @documented_by(prior_predictive)
    def prior_predictive(self, draws: int = 1000, random_seed: int | None = None) -> xr.DataTree:
        return prior_predictive(self.design, self.priors, self._run, draws, self._seed(random_seed))

    @documented_by(predictive_check)
    def predictive_check(self, groups: ReplicatedGroups = "new", random_seed: int | None = None) -> Quantity:
        return predictive_check(self._posterior, groups, self._seed(random_seed))

    @documented_by(loo)
    def loo(self, refit: bool = False) -> Validation:
        return loo(self._posterior, refit, self._again)

    @documented_by(logo)
    def logo(
        self, factor: str | Factor | None = None, refit: bool = False, random_seed: int | None = None
    ) -> Validation:
        return logo(self._posterior, factor, refit, self._seed(random_seed), self._again)

    @documented_by(prior_sensitivity)
    def prior_sensitivity(self) -> Quantity:
        return prior_sensitivity(self._posterior, self.priors)

    @documented_by(prior_and_posterior)
    def prior_and_posterior(self) -> Quantity:
        return prior_and_posterior(self._posterior, self.priors)

    @documented_by(calibration)
    def calibration(self, n: int = 200, random_seed: int | None = None, progressbar: bool = True) -> Quantity:
        seed = self._seed(random_seed)
        return calibration(self.design, self.priors, self._run, n, seed, progressbar)

    @documented_by(plot_trace)
    def plot_trace(self) -> "Figure":
        return plot_trace(self._posterior, self.draws)

    @documented_by(plot_replicates)
    def plot_replicates(self, groups: ReplicatedGroups = "known") -> "Figure":
        return plot_replicates(self._posterior, self.draws, groups, self._run.random_seed)

    @documented_by(classical)
    def classical(self) -> Quantity:
        return classical(self._posterior)

    @documented_by(checks)
    def checks(self) -> Findings:
        return self._findings

    @documented_by(summarise)
    def summary(self) -> Summary:
        return summarise(self._parts)

    @documented_by(render_report)
    def report(
        self,
        title: str | None = None,
        sections: Sequence[str] | None = None,
        include_levels: bool = True,
        labels: Labels | None = None,
        units: Units | None = None,
        calibration: Quantity | None = None,
    ) -> Report:
        return render_report(self._parts, title, sections, include_levels, labels, units, calibration)

    @documented_by(write)
    def save(self, path: str | Path) -> Path:
        return write(path, self.formula, self.design, self.priors, self.draws)

    @cached_property
    def _posterior(self) -> Posterior:
        return Posterior(self.draws["posterior"].to_dataset(), self.design)

    @property
    def _run(self) -> Run:
        return Run.from_attrs(self.draws.attrs)

    @cached_property
    def _measures(self) -> Measures:
        return measures(self.draws)

    @cached_property
    def _findings(self) -> Findings:
        return checks(self.draws, self.design, self.priors, self._measures)

    def _again(self, smaller: Design) -> tuple[Posterior, str]:
        """The posterior of the same model given some of the rows, and what is wrong with its draws."""
        draws, design = refit(smaller, self.priors, self._run)
        trouble = [finding.message for finding in sampling_findings(draws) if finding.severity == "action"]
        return Posterior(draws["posterior"].to_dataset(), design), trouble[0] if trouble else ""

    def _seed(self, given: int | np.random.Generator | None) -> int:
        """The seed that was given, or the fit's own."""
        return self._run.random_seed if given is None else read_seed(given)

    @property
    def _parts(self) -> Parts:
        return Parts(self.design, self.priors, self.draws, self._findings, self._measures)

    def __repr__(self) -> str:
        return str(self.summary())

    def _repr_html_(self) -> str:
        return render_notebook(self._parts)
