"""How long do the quantities of a Bernoulli model take, with few large groups, many small ones, and very many?

Warm: each is computed twice, and the second time counts.
"""

import time
import warnings
from collections.abc import Callable

import numpy as np
import pandas as pd

import hierkit


def groups_of(groups: int, size: int) -> pd.DataFrame:
    rng = np.random.default_rng(4)
    g, x = np.repeat(np.arange(groups), size), rng.normal(size=groups * size)
    eta = -0.5 + 0.8 * x + rng.normal(size=groups)[g]
    return pd.DataFrame({"y": rng.binomial(1, 1 / (1 + np.exp(-eta))), "x": x, "g": g})


TABLES = {
    "16 groups of 250": hierkit.datasets.churn().rename(columns={"churn": "y", "wait": "x", "market": "g"}),
    "300 groups of 6": groups_of(300, 6),
    "3,000 groups of 10": groups_of(3_000, 10),
}
QUANTITIES: dict[str, Callable[[hierkit.Fit], object]] = {
    "shrinkage": lambda fit: fit.shrinkage(),
    "marginal_coefficients": lambda fit: fit.marginal_coefficients(),
    "marginal slopes": lambda fit: fit.slopes("x", kind="marginal"),
    "slopes": lambda fit: fit.slopes("x"),
    "loo": lambda fit: fit.loo(),
    "logo": lambda fit: fit.logo(),
    "predictive_check": lambda fit: fit.predictive_check(),
    "compare_pooling": lambda fit: fit.compare_pooling(),
    "report": lambda fit: fit.report(),
}

if __name__ == "__main__":
    warnings.simplefilter("ignore")
    for table, data in TABLES.items():
        fit = hierkit.fit("y ~ x + (1 | g)", data, family="bernoulli", random_seed=1, progressbar=False)
        print(table, flush=True)
        for name, quantity in QUANTITIES.items():
            for _ in range(2):
                start = time.perf_counter()
                quantity(fit)
                seconds = time.perf_counter() - start
            print(f"  {name:<22}{seconds:7.2f} s", flush=True)
