"""In NUTS's coordinates the posterior is round, were the rows Gaussian with the pilot's weights and G."""

import numpy as np
import pytest
from synthetic import design_of, table

from hierkit.sampling.geometry import ROUND, make_geometry
from hierkit.sampling.joint_density import joint_draws
from hierkit.sampling.patterns import make_layout, make_patterns
from hierkit.sampling.pilot import make_pilot

MODELS = [
    ("y ~ x", "gaussian"),
    ("y ~ x + z + (x | g)", "gaussian"),
    ("y ~ x + (1 | g) + (1 | s) + (1 | h)", "gaussian"),
    ("y ~ x + (x | s) + (1 | s:g)", "gaussian"),
    ("won ~ x + h + (x | g) + (1 | s)", "bernoulli"),
    ("p(hits, tries) ~ x + mean_x + (1 | s/g) + (0 + x | h)", "bernoulli"),
]


@pytest.mark.parametrize(("text", "family"), MODELS)
def test_round(text, family):
    """T'(W-weighted cross products + G^-1)T has eigenvalues near 1, T the derivative of (beta, u) by coordinates."""
    rows = table(200).assign(y=lambda d: d.y + d.g / 20, mean_x=lambda d: d.groupby("g").x.transform("mean"))
    design = design_of(text, rows, family)
    layout = make_layout(design.factors)
    patterns = make_patterns(design, layout)
    pilot = make_pilot(patterns, layout, [design.factors[f] for f in layout.order], family == "gaussian")
    geometry = make_geometry(pilot, patterns, layout)
    size, q = len(patterns.X) + layout.first[-1], len(patterns.Z)
    L = np.zeros((size + 1, q, q))
    for G, column in zip(pilot.G, layout.columns, strict=True):
        L[:, column : column + len(G), column : column + len(G)] = np.linalg.cholesky(G)
    v = np.empty((size + 1, size))
    sigma = np.full(size + 1, np.sqrt(pilot.sigma2))
    joint_draws(np.vstack([np.zeros(size), np.eye(size)]), L, sigma, geometry, layout, patterns, v)
    T = (v[1:] - v[0]).T
    values = np.linalg.eigvalsh(T.T @ information(layout, patterns, pilot) @ T)
    assert values.min() > 1 / (1.5 * ROUND)
    assert values.max() < 1.5 * ROUND


def information(layout, patterns, pilot):
    """The precision of (beta, u), effects by effect, with dense matrices and a small ridge on beta."""
    columns = [patterns.X.T]
    for f in range(len(layout.groups)):
        for k in range(layout.effects[f]):
            indicator = np.eye(layout.groups[f])[patterns.codes[f]]
            columns.append(indicator * patterns.Z[layout.columns[f] + k][:, None])
    H = np.hstack(columns)
    precision = H.T @ (pilot.W[:, None] * H)
    p = len(patterns.X)
    precision[:p, :p] += np.diag(0.01 * (patterns.X**2).mean(axis=1) / pilot.sigma2)
    for f, G in enumerate(pilot.G):
        own = slice(p + layout.first[f], p + layout.first[f + 1])
        precision[own, own] += np.kron(np.linalg.inv(G), np.eye(layout.groups[f]))
    return precision
