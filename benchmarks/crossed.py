"""Do crossed factors of thousands of groups fit, and how long do they take beside lme4's point estimate?

73,421 ratings of 1,128 lecturers in 28 departments by 2,972 students: the shape of lme4's InstEval.
"""

import resource
import time
import warnings

import numpy as np
import pandas as pd
from measuring import in_seconds, largest_rhat, lme4_seconds, smallest_ess

import hierkit

FORMULA = "y ~ service + (1 | student) + (1 | lecturer) + (1 | department)"


def ratings() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    n, students, lecturers, departments = 73_421, 2_972, 1_128, 28
    student, lecturer = rng.integers(0, students, n), rng.integers(0, lecturers, n)
    department = rng.integers(0, departments, lecturers)[lecturer]
    service = rng.integers(0, 2, n)
    y = 3.3 - 0.05 * service + rng.normal(0, 1.18, n)
    for codes, size, sd in ((student, students, 0.33), (lecturer, lecturers, 0.51), (department, departments, 0.11)):
        y += rng.normal(0, sd, size)[codes]
    return pd.DataFrame(
        {"y": y, "service": service, "student": student, "lecturer": lecturer, "department": department}
    )


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    data = ratings()
    start = time.perf_counter()
    fit = hierkit.fit(FORMULA, data, random_seed=1, progressbar=False)
    seconds = time.perf_counter() - start
    posterior = fit.draws["posterior"].to_dataset()
    print(
        f"{len(data):,} rows, 4,128 effects: {seconds:.0f} s, smallest ESS {smallest_ess(posterior):.0f}"
        f" ({smallest_ess(posterior) / seconds:.0f}/s), R-hat {largest_rhat(posterior):.3f},"
        f" {int(fit.draws['sample_stats']['diverging'].sum())} divergences,"
        f" peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB;"
        f" lme4 {in_seconds(lme4_seconds(FORMULA, data))}"
    )
