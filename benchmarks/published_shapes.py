"""How long do two published models take that are known as slow, on data simulated in their shape?

"No vehicles in the park" (A. Vehtari's Bayesian Workflow): 2,409 people judge 27 situations, three predictors of the
people. `election88` (Gelman and Hill, 2007, chapter 14; posteriordb's `election88_full`): 11,566 people polled, with
factors of 4, 4, 16, 51 and 5 groups.
"""

import time

import numpy as np
import pandas as pd
from measuring import in_seconds, largest_rhat, lme4_seconds, smallest_ess

import hierkit


def park() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    people, situations, n = 2_409, 27, 51_953
    cells = rng.permutation(people * situations)[:n]
    person, situation = np.divmod(cells, situations)
    own = rng.normal(size=(people, 3))
    logit = -1.0 + own @ [0.1, -0.2, 0.3] + rng.normal(0, 1.4, people)
    logit = logit[person] + rng.normal(0, 2.2, situations)[situation]
    columns = {"violation": rng.binomial(1, 1 / (1 + np.exp(-logit))), "person": person, "situation": situation}
    return pd.DataFrame(columns | {name: own[person, i] for i, name in enumerate(["age", "income", "strictness"])})


def election() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    n = 11_566
    regions = rng.integers(0, 5, 51)
    shares = rng.dirichlet(np.full(51, 2.0))
    before = rng.normal(0.5, 0.08, 51)
    data = pd.DataFrame(
        {
            "black": rng.binomial(1, 0.1, n),
            "female": rng.binomial(1, 0.55, n),
            "age": rng.choice(4, n, p=[0.25, 0.35, 0.25, 0.15]),
            "education": rng.choice(4, n, p=[0.2, 0.35, 0.25, 0.2]),
            "state": rng.choice(51, n, p=shares),
        }
    )
    data["region"] = regions[data["state"]]
    data["before"] = before[data["state"]]
    logit = -3.5 - 1.6 * data["black"] - 0.1 * data["female"] + 7 * data["before"]
    for codes, size, sd in [
        (data["age"], 4, 0.1),
        (data["education"], 4, 0.15),
        (4 * data["age"] + data["education"], 16, 0.15),
        (data["state"], 51, 0.25),
        (data["region"], 5, 0.2),
    ]:
        logit += rng.normal(0, sd, size)[codes]
    data["republican"] = rng.binomial(1, 1 / (1 + np.exp(-logit)))
    return data


MODELS = {
    "park": (park, "violation ~ age + income + strictness + (1 | person) + (1 | situation)"),
    "election88": (
        election,
        "republican ~ black * female + before + (1 | age) + (1 | education) + (1 | age:education) + (1 | state)"
        " + (1 | region)",
    ),
}

if __name__ == "__main__":
    for name, (rows, formula) in MODELS.items():
        data = rows()
        start = time.perf_counter()
        fit = hierkit.fit(formula, data, family="bernoulli", random_seed=1, progressbar=False)
        seconds = time.perf_counter() - start
        posterior = fit.draws["posterior"].to_dataset()
        print(
            f"{name}, {len(data):,} rows: {seconds:.1f} s, smallest ESS {smallest_ess(posterior):.0f},"
            f" R-hat {largest_rhat(posterior):.3f}, {int(fit.draws['sample_stats']['diverging'].sum())} divergences;"
            f" lme4 {in_seconds(lme4_seconds(formula, data, 'bernoulli'))}",
            flush=True,
        )
