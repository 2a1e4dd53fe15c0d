"""Are `Fit.classical`'s REML estimates of published Gaussian models those of lme4, boundary included?

    python benchmarks/classical.py FOLDER [NAME ...]

FOLDER is that of documented_models.py. For each model that hierkit reads: the largest distance of a coefficient from
lme4's in lme4's standard errors, of a standard error and of an sd in percent, and the seconds of one fit. lme4's own
optimum is compared where they differ: a positive `criterion` says by how much lme4's sds are worse.
"""

import csv
import json
import re
import sys
import time
from pathlib import Path

import numpy as np
from documented_models import table

import hierkit
from hierkit.classical.linear_mixed import linear_mixed
from hierkit.model.design import make_design
from hierkit.model.formula import parse
from hierkit.model.rows import read_rows


def compared(model: dict[str, str], folder: Path, reference: dict) -> str:
    try:
        formula = parse(model["formula"])
        rows = read_rows(table(folder, model), formula.columns)
        design = make_design(formula, rows, "gaussian")
        start = time.perf_counter()
        values, note = linear_mixed(design, reml=True)
        seconds = time.perf_counter() - start
    except hierkit.HierkitError as refused:
        return f"refused: {str(refused)[:90]}"
    ours = [values[column.label] for column in design.columns]
    theirs, errors = list(reference["fixed"].values()), list(reference["se"].values())
    if len(ours) != len(theirs):
        return f"{len(ours)} coefficients for {len(theirs)}"
    away = max(abs(own[0] - b) / e for own, b, e in zip(ours, theirs, errors, strict=True))
    wider = max(abs(own[1] / e - 1) for own, e in zip(ours, errors, strict=True))
    sds = sorted(value for name, (value, _) in values.items() if re.match(r"sd\(|sigma$", name))
    given = sorted(value for name, value in reference["sd"].items())
    if len(sds) != len(given):
        return f"{len(sds)} sds for {len(given)}: {sds} {given}"
    largest = max(abs(own - value) for own, value in zip(sds, given, strict=True)) / max(given)
    return f"coefficients {away:.5f} se, se {wider:.3%}, sds {largest:.3%} of the largest; {seconds:.2f} s; {note}"


if __name__ == "__main__":
    folder, wanted = Path(sys.argv[1]), sys.argv[2:]
    references = json.loads((folder / "lme4.json").read_text())
    with open(folder / "models.csv", newline="") as file:
        models = [model for model in csv.DictReader(file) if model["family"] == "gaussian"]
    np.seterr(all="ignore")
    for model in models:
        name = model["name"]
        if (not wanted or name in wanted) and references[name]["status"] in ("ok", "singular"):
            print(f"{name} ({references[name]['status']}): {compared(model, folder, references[name])}", flush=True)
