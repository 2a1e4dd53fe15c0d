"""All findings about a fit: its sampling, its data, and its structure."""

from itertools import chain

import xarray as xr

from hierkit.checks.data import data_findings
from hierkit.checks.findings import Findings, sorted_findings
from hierkit.checks.groups import group_findings
from hierkit.checks.priors import prior_findings
from hierkit.checks.sampling import Measures, sampling_findings
from hierkit.checks.structure import structure_findings
from hierkit.model.design import Design
from hierkit.model.priors import Priors
from hierkit.posterior.posterior import Posterior


def checks(draws: xr.DataTree, design: Design, priors: Priors, measured: Measures | None = None) -> Findings:
    """What to know before using the results: sampling, priors, structure, groups and data.

    Parameters
    ----------
    draws : xarray.DataTree
        posterior and sample_stats.
    design : Design
        Of the model that was fitted.
    priors : Priors
        That it was fitted with.
    measured : Measures, optional
        Those of the draws, where they are known.

    Returns
    -------
    Findings
        The gravest first, none if nothing was found; `need_action` are those without which nothing should be read. The
        page "Findings" of the documentation lists all of them with their limits.
    """
    posterior = Posterior(draws["posterior"].to_dataset(), design)
    return sorted_findings(
        chain(
            sampling_findings(draws, measured),
            prior_findings(posterior, priors),
            structure_findings(posterior, priors),
            group_findings(posterior),
            data_findings(design),
        )
    )
