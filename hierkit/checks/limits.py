"""Every check with its limits: what the checks compare with, and the table in docs/findings.md."""

from typing import NamedTuple

# of the sampling run
RHAT = 1.01
FALSE_ALARMS = 0.001  # of fits whose chains agree, from the largest R-hat of many
ESS_PER_CHAIN = 100
SHARE_OF_THINNED = 0.25  # of draws that were kept of a run that was thinned to fit into memory
MANY = 20  # parameters: of more than so many, the smallest ESS may be estimated as so much of what it is
SMALLEST_OF_MANY = 0.8
BFMI = 0.3
TREE_DEPTH_SHARE = 0.01
FEWEST_DRAWS = 4
MOST_GROUPS_CHECKED = 200  # of a factor with more, every so many are looked at: an R-hat takes a millisecond

# of priors, sds and correlations
PULLED = 1.0  # posterior sds
OVERLAP = 0.8
PILED_SHARE = 0.1
PILED_BELOW = 0.1  # of the 95th percentile
EDGE_CORRELATION = 0.95
EDGE_SHARE = 0.1
FAR_ZERO = 3  # sds from the mean

# of groups
MOST_GROUPS_COMPARED = 500
FEWEST_GROUPS_COMPARED = 10
P_VALUE = 0.001  # many predictors are looked at in many models

# of the data
DROPPED_SHARE = 0.05
FEW_GROUPS = 10
VERY_FEW_GROUPS = 5
SCALE_RATIO = 1_000
MOST_ROWS_FOR_SEPARATION = 20_000
DETERMINED = 1e-6  # of the outcome's sd, which predictors leave
ALIKE = 0.999999  # a correlation, that multiplies standard errors by 700
MANY_SINGLE_ROWS = 5_000  # groups of one row each, of which a warning is given before sampling
MANY_LEVELS = 10  # of a category
MANY_LEVELS_SHARE = 0.5  # of the rows
FEW_OTHERS_SHARE = 0.2  # of the labels, where all others are numbers


class Check(NamedTuple):
    """A row of docs/findings.md."""

    names: tuple[str, ...]
    severity: str
    found_when: str
    advice: str


CHECKS = (
    Check(("not finite",), "action", "a draw is not a finite number", "check priors and scales"),
    Check(("few draws",), "action", f"there are fewer than {FEWEST_DRAWS} draws per chain", "sample longer"),
    Check(
        ("R-hat",),
        "action",
        f"it is above {RHAT}, and above what chance allows the largest of so many parameters (once in "
        f"{1 / FALSE_ALARMS:,.0f} fits) or at too small an ESS: the chains disagree; it is undefined: all chains are "
        "stuck; or there is only one chain",
        "sample longer; look for the cause below",
    ),
    Check(
        ("bulk ESS", "tail ESS"),
        "action",
        f"it is below {ESS_PER_CHAIN} per chain; of more than {MANY} parameters the smallest is below "
        f"{SMALLEST_OF_MANY * ESS_PER_CHAIN:.0f}; of draws thinned to fit into memory {SHARE_OF_THINNED:.0%} of those "
        "kept are enough",
        "sample longer",
    ),
    Check(
        ("divergences",),
        "action",
        "a draw diverged, also after the one retry",
        "raise `target_accept`, use tighter priors on sds, or fewer effects",
    ),
    Check(("BFMI",), "action", f"it is below {BFMI}", "sample longer, or use tighter priors on sds"),
    Check(
        ("tree depth",),
        "warning",
        f"more than {TREE_DEPTH_SHARE:.0%} of the draws reached the largest tree depth",
        "scale the predictors, and use priors on the outcome's scale",
    ),
    Check(
        ("sampled again",),
        "note",
        "a first run diverged; the draws are those of a second one with smaller steps",
        "nothing, if no divergences are left",
    ),
    Check(
        ("correlation at the edge",),
        "warning",
        f"a correlation is beyond ±{EDGE_CORRELATION} in more than {EDGE_SHARE:.0%} of the draws",
        "compare with `\\|\\|`, or without the slope",
    ),
    Check(
        ("prior-driven sd",),
        "warning",
        f"posterior and prior overlap by more than {OVERLAP:.0%}",
        "choose that prior with care",
    ),
    Check(
        ("prior and rows apart",),
        "warning; note for degrees of freedom",
        f"a prior moves a coefficient or sd by more than {PULLED:g} posterior sd from where the rows alone put it",
        "widen the prior, or check units",
    ),
    Check(
        ("sd at zero",),
        "note",
        f"more than {PILED_SHARE:.0%} of the draws of an sd are below {PILED_BELOW:g} times the 95th percentile",
        "report the interval; compare without the effect",
    ),
    Check(
        ("outlying groups",),
        "note",
        "`blup_qq` finds groups whose effects are too extreme for a normal distribution (one good model in twenty has "
        f"one); for factors of at most {MOST_GROUPS_COMPARED} groups",
        'look at their rows; `effects="student_t"`',
    ),
    Check(
        ("within and between",),
        "warning",
        f"the intercepts of groups are correlated (p < {P_VALUE}) with the group means of a number that varies within "
        f"groups too; for factors of {FEWEST_GROUPS_COMPARED} to {MOST_GROUPS_COMPARED} groups",
        "`center_within`, then `mundlak_contrast`",
    ),
    Check(
        ("rows dropped",),
        f"warning above {DROPPED_SHARE:.0%}, else note",
        "a used column has missing values",
        "check why; fill in if defensible",
    ),
    Check(("unused levels",), "note", "a category has no used rows", "nothing; they are not in the model"),
    Check(
        ("few groups",),
        f"warning below {VERY_FEW_GROUPS}, else note",
        f"a factor has fewer than {FEW_GROUPS} groups",
        "set the sd's prior from knowledge",
    ),
    Check(
        ("one-row groups",),
        "warning if all (Gaussian, equally precise), else note",
        "groups have a single row, or a single trial of counts",
        "leave the term out, or read intervals",
    ),
    Check(
        ("no variation within",),
        "warning",
        "a predictor with a group slope is constant within every group, beside a group intercept",
        "leave the slope's group effect out",
    ),
    Check(
        ("double bar",),
        "note",
        "`\\|\\|` is used with a categorical term or one of several columns",
        "make numeric columns",
    ),
    Check(
        ("far zero",),
        "note; warning with `\\|\\|`, without a group intercept, and where a prior of your own holds at zero",
        f"a predictor with a group slope has all values on one side of 0, and its mean at least {FAR_ZERO} sds from it",
        "centre the predictor",
    ),
    Check(
        ("outcome constant in groups",),
        "warning",
        "the outcome is the same in every row, or trial, of each group",
        "one row per group, no group term",
    ),
    Check(
        ("common and group effect",),
        "warning",
        "the predictors have a coefficient for every group already",
        "leave one of the two out",
    ),
    Check(
        ("no common coefficient",),
        "warning",
        "groups have a slope or an intercept whose average over groups is not in the formula",
        "add it to the formula",
    ),
    Check(
        ("collinear",),
        "warning",
        f"a column can be computed from others, or two predictors have a correlation beyond ±{ALIKE}",
        "leave one out",
    ),
    Check(("same groups",), "warning", "two factors divide the rows into the same groups", "leave one out"),
    Check(
        ("scales",),
        "note",
        f"the sds of two predictors differ by a factor of more than {SCALE_RATIO:,}",
        "change units",
    ),
    Check(
        ("many levels",),
        "warning",
        f"a predictor is a category of at least {MANY_LEVELS} levels, and of at least {MANY_LEVELS_SHARE:.0%} as many "
        "levels as rows",
        "make it a number, or a grouping factor",
    ),
    Check(
        ("numbers among labels",),
        "warning",
        f"the labels of a predictor are numbers as text, with signs like %, with up to {FEW_OTHERS_SHARE:.0%} of other "
        f"labels, or at least {MANY_LEVELS}",
        "make it a number, if it is a quantity",
    ),
    Check(
        ("alike labels",),
        "warning",
        "levels of a predictor or a factor differ in nothing but spaces, case or how accents are written",
        "write them alike, if they are the same",
    ),
    Check(
        ("columns left out",),
        "note",
        "no row has a combination of an interaction's levels, or other columns determine it; R leaves it out too",
        "name it where you report the model",
    ),
    Check(
        ("outcome determined",),
        "warning",
        f"least squares on the predictors leaves less than {DETERMINED:.0e} of the outcome's sd",
        "look whether one of them was made of the outcome",
    ),
    Check(
        ("separation",),
        "warning",
        "predictors split events from non-events perfectly (not looked for beyond "
        f"{MOST_ROWS_FOR_SEPARATION:,} distinct rows)",
        "choose a prior from knowledge, or merge levels",
    ),
)


def in_markdown() -> str:
    """The table of docs/findings.md."""
    rows = [f"| {', '.join(one.names)} | {one.severity} | {one.found_when} | {one.advice} |" for one in CHECKS]
    return "\n".join(["| check | severity | found when | do |", "| --- | --- | --- | --- |", *rows])
