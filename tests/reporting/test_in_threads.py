"""Reports that are made at the same time are those made one after the other, and leave settings as they were."""

from concurrent.futures import ThreadPoolExecutor

import matplotlib.pyplot as plt
from synthetic import synthetic_fit, table
from threadpoolctl import threadpool_info


def settings() -> tuple[str, list[int]]:
    return str(plt.rcParams), [one["num_threads"] for one in threadpool_info()]


def test_reports_in_threads() -> None:
    fits = [synthetic_fit("y ~ x + (x | g)", table(60, seed=seed)) for seed in range(3)]
    alone = [fit.report().html for fit in fits]
    before = settings()
    with ThreadPoolExecutor(3) as threads:
        together = list(threads.map(lambda fit: fit.report().html, fits))
    assert together == alone
    assert settings() == before
