"""How many fits with three to six groups are clean at the first attempt?

200 simulated tables of each family, sds of groups from 0 to 10 residual sds (log odds for events), every third with
slopes. Clean: no divergence, no retry, no finding that needs action.
"""

import time
import warnings

import numpy as np
import pandas as pd

import hierkit

TABLES = 200
SDS = (0.0, 0.3, 1.0, 3.0, 10.0)


def simulated(k: int, family: str) -> tuple[str, pd.DataFrame]:
    rng = np.random.default_rng([5, k])
    groups = int(rng.integers(3, 7))
    g = np.repeat(np.arange(groups), rng.integers(3, 12))
    sd, x = rng.choice(SDS), rng.normal(size=len(g))
    slopes = k % 3 == 2
    eta = rng.normal(0, sd, groups)[g] + 0.5 * x
    if slopes:
        eta += rng.normal(0, sd / 2, groups)[g] * x
    y = eta + rng.normal(size=len(g)) if family == "gaussian" else (rng.random(len(g)) < 1 / (1 + np.exp(-eta))) * 1
    return "y ~ x + (x | g)" if slopes else "y ~ x + (1 | g)", pd.DataFrame({"y": y, "x": x, "g": g})


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    for family in ("gaussian", "bernoulli"):
        fitted = clean = 0
        start = time.perf_counter()
        for k in range(TABLES):
            formula, data = simulated(k, family)
            if data.y.nunique() == 1:
                continue
            fit = hierkit.fit(formula, data, family=family, random_seed=1, progressbar=False)
            fitted += 1
            clean += not fit.draws.attrs["retry"] and not fit.checks().need_action
        seconds = (time.perf_counter() - start) / fitted
        print(f"{family}: clean {clean} of {fitted} ({clean / fitted:.1%}), {seconds:.2f} s a fit with its checks")
