"""The left side of a formula: the outcome's values, and which value is the event."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hierkit.errors import HierkitError, refusal
from hierkit.model.families import FAMILIES, Family
from hierkit.model.labels import some

TWO_VALUED = 2


@dataclass(frozen=True, eq=False)
class Outcome:
    """The outcome of each row.

    Attributes
    ----------
    label : str
        As written left of `~`.
    family : Family
        Counts are Bernoulli trials.
    y : ndarray of float
        (row,), in the outcome's units; 0 and 1 for events; successes for counts.
    trials : ndarray of float or None
        (row,), for counts, `p(successes, trials)`; None for other outcomes.
    precision : ndarray of float or None
        (row,), the w of a Gaussian row's residual variance σ²/w; None where it is 1.
    sd_is_known : bool
        Whether the sds of Gaussian rows are known: then w = 1/s² and σ is 1, not a parameter.
    event : Any
        The value that counts as 1; None where nothing had to be chosen.
    is_frequencies : bool
        Whether the rows are those of a frequency table: trials that all had the same outcome, each an observation.
    in_place_of : ndarray of float or None
        (row,), how many Gaussian rows each is in place of, where only their sums or a sample are kept; None where each
        row is itself.
    """

    label: str
    family: Family
    y: NDArray[np.float64]
    trials: NDArray[np.float64] | None = None
    precision: NDArray[np.float64] | None = None
    sd_is_known: bool = False
    event: Any = None
    is_frequencies: bool = False
    in_place_of: NDArray[np.float64] | None = None

    @property
    def is_counts(self) -> bool:
        """Whether the outcome is `p(successes, trials)`."""
        return self.trials is not None

    @property
    def is_events(self) -> bool:
        """Whether each observation is an event or none, a row each or in a table of frequencies."""
        return not self.family.has_residual and (self.is_frequencies or not self.is_counts)

    @property
    def of_one_trial(self) -> "Outcome":
        """Of a frequency table: the outcome of one of the trials of each row."""
        return replace(self, y=np.sign(self.y), trials=np.sign(self.trials_of_each))

    @property
    def distribution(self) -> str:
        """The name of its distribution: that of its family, and "binomial" for counts."""
        return "binomial" if self.is_counts else self.family.name

    @property
    def trials_of_each(self) -> NDArray[np.float64]:
        """(row,), how often each row counts: its trials, or the rows that it is in place of; 1 for other outcomes."""
        counts = self.in_place_of if self.trials is None else self.trials
        return np.ones_like(self.y) if counts is None else counts

    @property
    def n_rows(self) -> float:
        """The rows that the likelihood has factors of."""
        return float(len(self.y) if self.in_place_of is None else self.in_place_of.sum())

    @property
    def row_weights(self) -> NDArray[np.float64]:
        """(row,), beside y in each row's log density: trials, the w of its variance σ²/w, or the rows in its place."""
        return self.trials_of_each if self.precision is None else self.precision

    @property
    def mean_precision(self) -> float:
        """The mean over rows of the w of their variances σ²/w."""
        return 1.0 if self.precision is None else float(np.mean(self.precision))

    @property
    def has_sigma(self) -> bool:
        """Whether the residual sd σ is a parameter."""
        return self.family.has_residual and not self.sd_is_known

    @property
    def variance_in_words(self) -> str:
        """The variance of a row on the link scale, in definitions."""
        if self.sd_is_known:
            return "s̃², the typical sampling variance of a row (Higgins and Thompson 2002)"
        if self.precision is not None:
            return "the residual variance σ²/w of a row of typical weight (Higgins and Thompson 2002)"
        return self.family.latent_in_words

    @property
    def rows_are_alike(self) -> bool:
        """Whether all rows are equally precise, so that the rows of a group say how much is known of it."""
        return self.precision is None or bool(np.ptp(self.precision) == 0)

    def at(self, places: NDArray[np.intp]) -> "Outcome":
        """That of some of the rows."""
        trials = None if self.trials is None else self.trials[places]
        precision = None if self.precision is None else self.precision[places]
        in_place_of = None if self.in_place_of is None else self.in_place_of[places]
        return replace(self, y=self.y[places], trials=trials, precision=precision, in_place_of=in_place_of)


def gaussian(label: str, values: pd.Series) -> Outcome:
    """A numeric outcome that varies."""
    if isinstance(values.dtype, pd.CategoricalDtype) or values.dtype == bool:
        raise _no_number(label, values)
    y = values.to_numpy(dtype=np.float64)
    check_varies(label, y)
    return Outcome(label, FAMILIES["gaussian"], y)


def _no_number(label: str, values: pd.Series) -> HierkitError:
    """The refusal of labels, which names those that are no numbers where others are."""
    allowed = 'family="gaussian" needs numbers'
    texts = values.astype(str)
    others = pd.to_numeric(texts, errors="coerce").isna()
    is_text = values.dtype != bool and all(isinstance(level, str) for level in values.cat.categories)
    if others.all() or not is_text or texts.nunique() <= TWO_VALUED:
        advice = 'Pass family="bernoulli" for a two-valued outcome, or convert the column'
        return refusal(f"The outcome {label!r} is not a number (its values: {_values_in(values)})", allowed, advice)
    if not others.any():
        return refusal(f"The outcome {label!r} is text, though all of it is numbers", allowed, "Convert the column")
    first, shown = int(others.argmax()), some(list(dict.fromkeys(texts[others])))
    return refusal(
        f"The outcome {label!r} is text, because {int(others.sum()):,} of its values are no numbers: {shown}, first in "
        f"used row {first}",
        allowed,
        "Correct these cells, or set them missing, and convert the column",
    )


def bernoulli(label: str, values: pd.Series, event: str | None) -> Outcome:
    """A two-valued outcome: 0 and 1, booleans, or two labels of which the second (or the named one) is the event."""
    levels = list(values.cat.categories) if isinstance(values.dtype, pd.CategoricalDtype) else sorted(values.unique())
    if len(levels) == 1:
        raise constant(label, levels[0])
    is_label = isinstance(values.dtype, pd.CategoricalDtype) or values.dtype == bool or event is not None
    if len(levels) != 2 or not (is_label or levels == [0, 1]):
        raise refusal(
            f"The outcome {label!r} is not two-valued (its values: {_values_in(values)})",
            'family="bernoulli" needs 0 and 1, booleans, or two labels, and p(successes, trials) for counts',
            "Compute a two-valued column first",
        )
    if event is None:
        chosen = levels[1]
    else:
        named = [level for level in levels if str(level) == event or _is_number(level, event)]
        if not named:
            raise refusal(
                f"The outcome {label!r} has no value {event!r}",
                f"Its values are {_values_in(values)}",
                "Name one of them, or leave the brackets out",
            )
        chosen = named[0]
    y = (values == chosen).to_numpy(dtype=np.float64)
    return Outcome(label, FAMILIES["bernoulli"], y, event=chosen if is_label else None)


def binomial(label: str, successes: pd.Series, trials: pd.Series) -> Outcome:
    """Counts: whole numbers, no more successes than trials."""
    s, n = check_counts(label, successes, trials)
    if (s == 0).all() or (s == n).all():
        raise constant(label, "no success" if (s == 0).all() else "no failure")
    return Outcome(label, FAMILIES["bernoulli"], s, trials=n)


def like(fitted: Outcome, values: pd.Series, trials: pd.Series | None = None) -> Outcome:
    """The outcome of other rows, with the event of those that were fitted; it may be constant there.

    Trials are those of counts; where a column of weights says them, `weighed` comes after.
    """
    plain = replace(fitted, trials=None, precision=None, is_frequencies=False, in_place_of=None)
    if trials is not None:
        s, n = check_counts(fitted.label, values, trials)
        return replace(plain, y=s, trials=n)
    if fitted.event is not None:
        return replace(plain, y=(values == fitted.event).to_numpy(dtype=np.float64))
    y = values.to_numpy(dtype=np.float64)
    if not fitted.family.has_residual and not fitted.is_counts and not np.isin(y, (0, 1)).all():
        raise refusal(
            f"The outcome {fitted.label!r} has the values {_values_in(values)}",
            "When the model was fitted it was 0 or 1",
            "Recode it",
        )
    return replace(plain, y=y)


def check_counts(
    label: str, successes: pd.Series, trials: pd.Series
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Successes and trials as numbers; refused unless they are whole, with no more successes than trials."""
    for values in (successes, trials):
        if isinstance(values.dtype, pd.CategoricalDtype):
            raise refusal(
                f"{values.name!r} in {label} is not a number", "Counts are whole numbers", "Convert the column"
            )
    s, n = successes.to_numpy(dtype=np.float64), trials.to_numpy(dtype=np.float64)
    wrong = (s < 0) | (s > n) | (s % 1 != 0) | (n % 1 != 0)
    if wrong.any():
        row = int(wrong.argmax())
        raise refusal(
            f"{label} has {s[row]:g} successes in {n[row]:g} trials in used row {row} ({int(wrong.sum())} such rows)",
            "Counts are whole numbers with 0 <= successes <= trials",
            "Check these rows, or leave them out",
        )
    return s, n


def _is_number(level: Any, text: str) -> bool:
    """Whether a numeric level is the number that the text says: 1.0 for "1"."""
    try:
        return not isinstance(level, str) and float(level) == float(text)
    except ValueError:
        return False


def check_varies(label: str, y: NDArray[np.float64]) -> None:
    """Refuse an outcome that is the same in every row, or so far from zero that numbers do not tell its rows apart."""
    if np.ptp(y) == 0:
        raise constant(label, f"{y[0]:g}")
    if np.ptp(y) <= 1e-12 * np.abs(y).max():
        raise refusal(
            f"The outcome {label!r} varies by {np.ptp(y):.2g} around {y.mean():.6g}",
            "Numbers have sixteen digits, and fewer than four are left for what varies",
            "Subtract a number near its mean in the data",
        )


def constant(label: str, value: Any) -> HierkitError:
    """The refusal of an outcome that has one value."""
    return refusal(
        f"The outcome {label!r} is constant ({value} in every used row)",
        "A model needs an outcome that varies",
        "Check the filter and the missing values",
    )


def _values_in(values: pd.Series) -> str:
    """The values of an outcome, the first ones where they are many."""
    is_category = isinstance(values.dtype, pd.CategoricalDtype)
    return some(values.cat.categories.tolist() if is_category else sorted(values.unique()))
