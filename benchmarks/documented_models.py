"""Which published mixed models does the default call fit, cleanly and as lme4 does, and how long does it take?

    python benchmarks/documented_models.py FOLDER [NAME ...]

FOLDER has `models.csv` (name, formula, family, types, ...), `tables/NAME.csv.gz` and `lme4.json` with lme4's estimates.
A model is fitted when its formula is taken as its authors wrote it; clean when it passes the checks at the first
attempt; and agrees when rows, groups and coefficients are as many as lme4's, and lme4's residual sd lies in the 89 %
interval, widened by 3 %. lme4 is timed beside it where Rscript finds it.
"""

import csv
import json
import re
import statistics
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from measuring import in_seconds, lme4_seconds

import hierkit


def table(folder: Path, model: dict[str, str]) -> pd.DataFrame:
    """As R's read.csv reads it: only NA is missing; numbers that are categories become ordered ones."""
    data = pd.read_csv(folder / "tables" / f"{model['name']}.csv.gz", keep_default_na=False, na_values=["NA", ""])
    for column in re.findall(r"([\w.]+)=(?:ordered|categorical)", model["types"]):
        if column in data and pd.api.types.is_numeric_dtype(data[column]):
            data[column] = pd.Categorical(data[column], ordered=True)
    return data


def judged(model: dict[str, str], data: pd.DataFrame, reference: dict) -> dict:
    """What became of one model: fitted, clean, agrees, seconds, and why not."""
    start = time.perf_counter()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fit = hierkit.fit(model["formula"], data, family=model["family"], random_seed=1, progressbar=False)
            trouble = [finding.check for finding in fit.checks().need_action]
    except hierkit.HierkitError as refused:
        return {"fitted": False, "clean": False, "agrees": False, "why": f"refused: {refused}"}
    seconds, retry = time.perf_counter() - start, fit.draws.attrs["retry"]
    differs = differences(fit, reference)
    why = "; ".join(filter(None, [retry, *trouble, *differs]))
    clean = not trouble and not retry
    return {"fitted": True, "clean": clean, "agrees": not differs, "why": why, "seconds": seconds}


def differences(fit: hierkit.Fit, reference: dict) -> list[str]:
    if reference["status"] not in ("ok", "singular"):
        return []
    groups = sorted(len(factor.levels) for factor in fit.design.factors)
    pairs = {
        "rows": (len(fit.design.rows.positions), reference["nobs"]),
        "coefficients": (len(fit.design.columns), len(reference["fixed"])),
        "groups": (groups, sorted(reference["groups"].values())),
    }
    found = [f"{what} {ours} for {theirs}" for what, (ours, theirs) in pairs.items() if ours != theirs]
    sigma = reference["sd"].get("Residual::")
    if sigma is not None:
        low, high = np.quantile(fit.draws["posterior"]["sigma"].values, [0.055, 0.945])
        if not low * 0.97 <= sigma <= high * 1.03:
            found.append(f"sigma {low:.3g} to {high:.3g} for {sigma:.3g}")
    return found


if __name__ == "__main__":
    folder, wanted = Path(sys.argv[1]), sys.argv[2:]
    references = json.loads((folder / "lme4.json").read_text())
    with open(folder / "models.csv", newline="") as file:
        models = [model for model in csv.DictReader(file) if not wanted or model["name"] in wanted]
    results, beside = [], []
    for model in models:
        data = table(folder, model)
        result = judged(model, data, references[model["name"]])
        results.append(result)
        mark = "".join(word[0] if result[word] else "-" for word in ("fitted", "clean", "agrees"))
        theirs = lme4_seconds(model["formula"], data, model["family"]) if result["fitted"] else None
        beside += [] if theirs is None else [theirs]
        shown = f"{mark} {result.get('seconds', 0.0):6.2f} s, lme4 {in_seconds(theirs)}"
        print(f"{shown}  {model['name']}  {result['why'][:160]}", flush=True)
    seconds = [result["seconds"] for result in results if result["fitted"]]
    counts = ", ".join(f"{word} {sum(result[word] for result in results)}" for word in ("fitted", "clean", "agrees"))
    theirs = f"; lme4 median {statistics.median(beside):.2f} s" if beside else ""
    times = f"median {statistics.median(seconds):.2f} s, largest {max(seconds):.1f} s"
    print(f"{len(results)} models: {counts}; {times}{theirs}")
