"""Every mistake that a user is likely to make, and the message that it must give. Nothing of it reaches a sampler."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from synthetic import table

import hierkit

DATA = table().assign(const=1.0, one="only", measured=lambda d: d.x + 0.5, zero=0)
DOUBLED = pd.concat([DATA, DATA[["x"]]], axis=1)
B = {"family": "bernoulli"}

BAD = [
    # the formula
    ("", DATA, {}, "The formula is ''"),
    (None, DATA, {}, "The formula is None"),
    ("y", DATA, {}, "has no outcome"),
    ("~ x", DATA, {}, "cannot be read"),
    ("y ~ x ~ z", DATA, {}, "more than one '~'"),
    ("y ~ x +", DATA, {}, "cannot be read"),
    ("y ~ (x | g", DATA, {}, "Expect '\\)'"),
    ("y ~ x | g", DATA, {}, "unexpected '\\|'"),
    ("y ~ x z", DATA, {}, "unexpected 'z'"),
    ("y ~ `x", DATA, {}, "backtick is not closed"),
    ("y ~ .", DATA, {}, "cannot be read"),
    ("y ~ 2 * x", DATA, {}, "the term 2 is neither 0, 1 nor a column"),
    ("y ~ x - (1 | g)", DATA, {}, "is subtracted"),
    ("y ~ x:(1 | g)", DATA, {}, "not a term of its own"),
    ("y ~ (1 | log(g))", DATA, {}, "grouping factor 'log\\(g\\)' is not a column"),
    ("y ~ (0 | g)", DATA, {}, "has no effects"),
    ("y ~ (1 | g) + (x | g)", DATA, {}, "effect Intercept of 'g' is given more than once"),
    ("y ~ (offset(x) | g)", DATA, {}, "offset\\(\\) is an effect"),
    ("y ~ 0", DATA, {}, "has no terms"),
    ("y ~ y + x", DATA, {}, "'y' is on both sides"),
    ("y:z ~ x", DATA, {}, "outcome 'y : z' is not one column"),
    ("factor(hits) ~ x", DATA, B, "The outcome 'factor\\(hits\\)' makes a category"),
    ("cbind(hits) ~ x", DATA, B, "Counts are written cbind\\(successes, failures\\) or p\\(successes, trials\\)"),
    ("p(hits) ~ x", DATA, B, "does not have two columns as its arguments"),
    ("y ~ os.system('x')", DATA, {}, "calls os.system\\(\\)"),
    ("y ~ np.tanh(x)", DATA, {}, "A formula may call"),
    # the columns
    ("y ~ wait", DATA, {}, "data has no column 'wait'. Its columns are 'y', 'x'"),
    ("y ~ log(wait)", DATA, {}, "has no column 'wait'"),
    ("y ~ (1 | grp)", DATA, {}, "has no column 'grp'"),
    ("y ~ x", DOUBLED, {}, "more than one column named 'x'"),
    ("y ~ x", DATA.iloc[:0], {}, "data has no rows"),
    ("y ~ x", DATA.assign(x=np.nan), {}, "No row is complete: missing values in 'x' \\(60\\)"),
    ("y ~ x", DATA.assign(x=DATA.x.where(DATA.x > 0)), {"missing": "error"}, "Missing values in 'x'"),
    ("y ~ x", DATA, {"missing": "ignore"}, "It is one of 'drop', 'error'"),
    ("y ~ x", DATA.assign(x=DATA.x.where(DATA.index != 4, np.inf)), {}, "'x' is infinite in row 4"),
    ("y ~ x", {"y": [1], "x": [2]}, {}, "data is of type dict"),
    ("y ~ x", "data.csv", {}, "There is no file 'data.csv'"),
    ("y ~ x", 3, {}, "data is of type int"),
    ("y ~ const", DATA, {}, "'const' is constant \\(1 in every used row\\)"),
    ("y ~ one", DATA, {}, "'one' has a single level and adds no column"),
    ("y ~ log(x)", DATA, {}, "'log\\(x\\)' is not finite in"),
    ("y ~ log(h)", DATA, {}, "cannot be computed"),
    ("y ~ day", DATA, {}, "'day' holds dates or times and is no grouping factor"),
    ("y ~ (day | g)", DATA, {}, "'day' holds dates or times"),
    ("y ~ bs(x)", DATA, {}, "cannot be computed"),
    # the outcome
    ("const ~ x", DATA, {}, "outcome 'const' is constant"),
    ("zero ~ x", DATA, B, "outcome 'zero' is constant"),
    ("h ~ x", DATA, {}, "'h' is not a number \\(its values: 'low', 'mid', 'top'\\)"),
    ("won ~ x", DATA, {}, 'Pass family="bernoulli"'),
    ("h ~ x", DATA, B, "'h' is not two-valued"),
    ("y ~ x", DATA, B, "'y' is not two-valued"),
    ("flag['maybe'] ~ x", DATA, B, "has no value 'maybe'. Its values are"),
    ("p(hits, tries) ~ x", DATA, {}, "Counts need family"),
    ("p(tries, hits) ~ x", DATA, B, "successes in"),
    ("p(y, tries) ~ x", DATA, B, "Counts are whole numbers"),
    ("p(flag, tries) ~ x", DATA, B, "'flag' in p\\(flag, tries\\) is not a number"),
    ("y ~ x", DATA, {"family": "poisson"}, "It is one of 'gaussian', 'bernoulli'"),
    ("y ~ x", DATA, {"family": "binomial"}, "For counts write p\\(successes, trials\\)"),
    # the groups
    ("y ~ (1 | one)", DATA, {}, "'one' has one level, 'only'"),
    ("y ~ (1 | measured)", DATA, {}, "'measured' holds 60 measured numbers"),
    # names, priors, settings
    ("y ~ sigma", DATA.assign(sigma=DATA.x), {}, "A predictor is called 'sigma'"),
    ("y ~ x", DATA, {"priors": {"w": "Normal(0, 1)"}}, "no parameter 'w'. The parameters are Intercept, x, sigma"),
    ("y ~ x", DATA, {"priors": {"x": "Normal(0)"}}, "Normal takes mu, sigma"),
    ("y ~ x", DATA, {"priors": {"x": "eval('1')"}}, "cannot be used"),
    ("y ~ (1 | g)", DATA, {"priors": {"sd(g)": "Normal(0, 1)"}}, "does not fit it"),
    ("y ~ x", DATA, {"effects": "cauchy"}, "It is one of 'normal', 'student_t'"),
    ("y ~ x", DATA, {"engine": "stan"}, "It is one of"),
    ("y ~ x", DATA, {"draws": 0}, "draws=0"),
    ("y ~ x", DATA, {"chains": "4"}, "chains='4'"),
    ("y ~ x", DATA, {"nuts_sampler": "emcee"}, "It is one of 'nutpie'"),
]


@pytest.mark.parametrize(("formula", "data", "options", "message"), BAD, ids=[f"{f}-{m[:25]}" for f, _, _, m in BAD])
def test_refused_with_a_message(formula: Any, data: Any, options: Any, message: Any, capsys: Any) -> None:
    with pytest.raises(hierkit.HierkitError, match=message) as refused:
        hierkit.fit(formula, data, **options)
    text = str(refused.value)
    assert text.endswith((".", "?"))
    assert text.count(". ") >= 2  # what was given, what is allowed, what to do
    assert capsys.readouterr().out == ""


def test_at_least_forty() -> None:
    assert len(BAD) >= 40
