"""In NUTS's coordinates the posterior is round, were the rows Gaussian with the pilot's weights and G."""

from typing import Any

import numpy as np
import pytest
from scipy.linalg import block_diag
from synthetic import design_of, table

from hierkit.model.basis import make_basis, prior_in_basis
from hierkit.model.priors import make_priors
from hierkit.sampling.joint.coordinates import ROUND, factors_in_head, make_geometry
from hierkit.sampling.joint.group_effects import gaussian_draws
from hierkit.sampling.joint.logit import logit_draws
from hierkit.sampling.joint.patterns import make_patterns
from hierkit.sampling.joint.pilot import make_pilot
from hierkit.sampling.kernels.layout import make_layout, without_last
from hierkit.sampling.kernels.origin import make_origin

MODELS = [
    ("y ~ x", "gaussian"),
    ("y ~ x + z + (x | g)", "gaussian"),
    ("y ~ x + (1 | g) + (1 | s) + (1 | h)", "gaussian"),
    ("y ~ x + (x | s) + (1 | s:g)", "gaussian"),
    ("won ~ x + h + (x | g) + (1 | s)", "bernoulli"),
    ("p(hits, tries) ~ x + mean_x + (1 | s/g) + (0 + x | h)", "bernoulli"),
]


@pytest.mark.parametrize(("text", "family"), MODELS)
def test_round(text: Any, family: Any) -> None:
    """T'(W-weighted cross products + G^-1)T has eigenvalues near 1, T the derivative of (beta, u) by coordinates.

    The last factor of a Gaussian model is integrated out.
    """
    rows = table(200).assign(y=lambda d: d.y + d.g / 20, mean_x=lambda d: d.groupby("g").x.transform("mean"))
    design = design_of(text, rows, family)
    priors, layout = make_priors(design), make_layout(design.factors)
    basis, gaussian = make_basis(design, priors), family == "gaussian"
    patterns = make_patterns(design, layout, basis.X, make_origin(design, priors).T)
    prior = prior_in_basis(design, priors, basis)
    head = factors_in_head(layout, len(design.columns), gaussian)
    pilot = make_pilot(patterns, layout, [design.factors[f] for f in layout.order], design.outcome, *prior, head)
    geometry = make_geometry(pilot, patterns, layout, basis.inverse, head, gaussian)
    sampled = without_last(layout) if gaussian else layout
    size, q = len(patterns.X) + sampled.first[-1], len(patterns.Z)
    L = np.zeros((size + 1, q, q))
    for G, column in zip(pilot.G, layout.columns, strict=True):
        L[:, column : column + len(G), column : column + len(G)] = np.linalg.cholesky(G)
    c, v = np.vstack([np.zeros(size), np.eye(size)]), np.empty((size + 1, size))
    scales = np.ones((len(c), layout.groups.sum()))
    if gaussian:
        gaussian_draws(c, L, scales, geometry, sampled, v)
    else:
        logit_draws(c, L, scales, geometry, sampled, patterns, v)
    T = (v[1:] - v[0]).T
    A = information(layout, patterns, pilot, prior[0], head)
    left = A[:size, :size] - A[:size, size:] @ np.linalg.solve(A[size:, size:], A[size:, :size])
    values = np.linalg.eigvalsh(T.T @ left @ T)
    assert values.min() > 1 / (1.5 * ROUND)
    assert values.max() < 1.5 * ROUND


def information(layout: Any, patterns: Any, pilot: Any, prior: Any, head: Any) -> Any:
    """The precision of gamma and the effects as the kernels order them, with dense matrices."""
    columns, priors = [patterns.X.T], [prior]
    for f, G in enumerate(pilot.G):
        for_each = [np.eye(layout.groups[f])[patterns.codes[f]] * z[:, None] for z in patterns.Z[layout.columns[f] :]]
        own = np.stack(for_each[: layout.effects[f]], axis=1)
        by_group = f < head
        columns.append((np.swapaxes(own, 1, 2) if by_group else own).reshape(len(own), -1))
        eye = np.eye(layout.groups[f])
        priors.append(np.kron(eye, np.linalg.inv(G)) if by_group else np.kron(np.linalg.inv(G), eye))
    H = np.hstack(columns)
    return H.T @ (pilot.W[:, None] * H) + block_diag(*priors)
