"""What does a gradient of a Bernoulli model cost a row, and do rows that are alike count once?"""

import statistics
import time

import numpy as np
import pandas as pd

from hierkit.model.design import Design, make_design
from hierkit.model.formula import parse
from hierkit.model.priors import make_priors
from hierkit.model.rows import read_rows
from hierkit.sampling.joint.engine import log_posterior_of, make_model

FORMULA = "y ~ x + (1 | g) + (1 | h)"


def design_of(rows: int, distinct: bool) -> Design:
    rng = np.random.default_rng(2)
    g, h = rng.integers(0, 200, rows), rng.integers(0, 20, rows)
    x = rng.normal(size=rows) if distinct else rng.integers(0, 2, rows).astype(float)
    y = rng.binomial(1, 1 / (1 + np.exp(-0.5 * x - rng.normal(size=200)[g] - rng.normal(size=20)[h])))
    formula = parse(FORMULA)
    return make_design(formula, read_rows(pd.DataFrame({"y": y, "x": x, "g": g, "h": h}), formula.columns), "bernoulli")


def gradient_seconds(design: Design) -> float:
    """Median of a gradient."""
    model, seconds = make_model(design, make_priors(design)), []
    log_posterior = log_posterior_of(model)
    for _ in range(51):
        start = time.perf_counter()
        log_posterior(model.start)
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


if __name__ == "__main__":
    for rows in (4_000, 40_000, 400_000):
        for distinct in (True, False):
            seconds = gradient_seconds(design_of(rows, distinct))
            kind = "all different" if distinct else "8,000 kinds at most"
            print(f"{rows:,} rows, {kind}: {seconds * 1e6:,.0f} us, {seconds / rows / 2 * 1e9:.1f} ns a row and factor")
