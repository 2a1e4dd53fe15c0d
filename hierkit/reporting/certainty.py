"""How sure one can be of the numbers: each question with its figure and the answer."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pandas as pd

from hierkit.checks.limits import RHAT
from hierkit.checks.sampling import needed_per_chain
from hierkit.errors import HierkitError, HierkitWarning, silencing, without_warnings
from hierkit.posterior.quantity import Quantity
from hierkit.prediction.predictive_check import predictive_check
from hierkit.quantities.prior_sensitivity import SENSITIVE, prior_sensitivity
from hierkit.reporting.parts import Parts
from hierkit.reporting.words import listed
from hierkit.validation.leave_out import loo
from hierkit.vocabulary import capital

FEW = 200  # draws of replicated data
MOST_NUMBERS = 30_000_000  # rows times draws of what is computed for a page
EXTREME = 0.05  # of the replicates on one side of what was seen


@dataclass(frozen=True)
class Answer:
    """A question, what was found, and what it means."""

    question: str
    found: str
    verdict: str


def answers(parts: Parts, checked: Quantity | None) -> pd.DataFrame:
    """The questions with their answers, a row each; `checked` is the predictive check, where there is one."""
    rows = [*_of_the_run(parts), *_of_the_sampler(parts), *_of_the_data(parts, checked)]
    rows += [*_of_rows(parts), *_of_the_priors(parts)]
    return pd.DataFrame(
        [(row.question, row.found, row.verdict) for row in rows], columns=["question", "found", "verdict"]
    )


def data_like_these(parts: Parts) -> Quantity | None:
    """The predictive check of what varies; None for a model without groups, and for very many rows."""
    rows = len(parts.design.of_rows.offset)
    if not parts.design.factors or rows * FEW > MOST_NUMBERS:
        return None
    checked = predictive_check(parts.posterior.thinned(FEW), "new", parts.run.random_seed)
    vary = checked.draws["replicated"].std(("chain", "draw")) > 0
    return replace(checked, draws=checked.draws.sel(statistic=vary.values)) if vary.any() else None


def _of_the_run(parts: Parts) -> Iterator[Answer]:
    found = parts.measures
    if found.ess_bulk.empty:
        yield Answer("Are there enough draws?", f"{parts.posterior.size:,} draws", "Too few to tell.")
    else:
        needed = needed_per_chain(parts.draws) * parts.run.chains
        largest, least = found.r_hat.max(), min(found.ess_bulk.min(), found.ess_tail.min())
        if not math.isnan(largest):
            agree = largest <= RHAT or "R-hat" not in {one.check for one in parts.findings.need_action}
            verdict = "Yes." if agree else "No: sample longer."
            yield Answer("Do the chains agree?", f"largest R-hat {largest:.3f}", verdict)
        verdict = "Yes." if least >= needed else f"Fewer than {needed:,.0f}: sample longer."
        yield Answer("Are there enough independent draws?", f"{least:,.0f} for the least certain number", verdict)
    verdict = "Yes." if not found.divergences else "Not everywhere: see the findings below."
    yield Answer("Was the whole posterior explored?", f"{found.divergences:,} divergences", verdict)


def _of_the_sampler(parts: Parts) -> Iterator[Answer]:
    if parts.calibration is None:
        return
    draws = parts.calibration.draws
    wrong = [parts.words.component(name) for name in draws.attrs["not_uniform"]]
    verdict = f"Not for {listed(wrong)}." if wrong else "Yes."
    found = f"{draws.sizes['parameter']} parameters recovered from {draws.sizes['draw']:,} simulated data sets"
    yield Answer("Does the method recover what is true?", found, verdict)


def _of_the_data(parts: Parts, checked: Quantity | None) -> Iterator[Answer]:
    if checked is None:
        return
    above = {str(name): float(value) for name, value in checked.draws["above"].to_series().items()}
    missed = [name for name, value in above.items() if not EXTREME <= value <= 1 - EXTREME]
    verdict = f"Not in all: it misses the {listed(missed)}." if missed else "Yes: data drawn from it look like these."
    found = listed([_above(parts, name, value) for name, value in above.items()])
    yield Answer("Does the model make data like these?", capital(found), verdict)


def _above(parts: Parts, statistic: str, share: float) -> str:
    """A statistic of replicated data in words."""
    kind, label = statistic.removesuffix(")").split("(", 1)
    several = parts.words.plural(label)
    what = f"{several} differ more" if kind.startswith("spread") else f"more {several} are without an event"
    return f"in {share:.0%} of data sets drawn from it {what}"


def _of_rows(parts: Parts) -> Iterator[Answer]:
    if len(parts.design.offset) * parts.thinned.size > MOST_NUMBERS:
        return
    try:
        with silencing(HierkitWarning):
            found = loo(parts.thinned)
    except HierkitError:
        return
    rows = len(parts.design.offset)
    some = "One does: look at this row" if found.bad == 1 else "Some do: look at these rows"
    verdict = f"{some} (fit.loo())." if found.bad else "No."
    text = f"{found.bad:,} of {rows:,} rows with a Pareto k above {found.good_k:.2f}"
    yield Answer("Do single rows decide the result?", text, verdict)


def _of_the_priors(parts: Parts) -> Iterator[Answer]:
    if len(parts.design.offset) * parts.thinned.size > MOST_NUMBERS:
        return
    try:
        with without_warnings():
            table = prior_sensitivity(parts.thinned, parts.priors).table()
    except HierkitError:
        return
    if "group" in table:
        table = table[table["group"] == ""]
    sensitive = table[table["prior"] >= SENSITIVE]
    found = f"largest sensitivity {table['prior'].max():.3f}"
    if sensitive.empty:
        yield Answer("Do the priors decide the result?", found, "No.")
        return
    names = listed([parts.words.component(str(name)) for name in sensitive["parameter"]])
    yield Answer("Do the priors decide the result?", found, f"They matter for {names}: say which you chose.")
