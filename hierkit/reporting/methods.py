"""What a paper says of a fit: a paragraph with its references, and a script that makes the fit again."""

from hierkit.intervals import interval_in_words
from hierkit.reporting.parts import Parts
from hierkit.reporting.words import listed, outcome_name

REFERENCES = {
    "NUTS": (
        "Hoffman, M. D. and Gelman, A. (2014). The No-U-Turn sampler. Journal of Machine Learning Research 15, "
        "1593-1623."
    ),
    "R-hat": (
        "Vehtari, A., Gelman, A., Simpson, D., Carpenter, B. and Bürkner, P.-C. (2021). Rank-normalization, folding, "
        "and localization: an improved R-hat. Bayesian Analysis 16, 667-718."
    ),
    "formula": (
        "Bates, D., Mächler, M., Bolker, B. and Walker, S. (2015). Fitting linear mixed-effects models using lme4. "
        "Journal of Statistical Software 67(1)."
    ),
    "LKJ": (
        "Lewandowski, D., Kurowicka, D. and Joe, H. (2009). Generating random correlation matrices based on vines and "
        "extended onion method. Journal of Multivariate Analysis 100, 1989-2001."
    ),
}


def methods_paragraph(parts: Parts) -> str:
    """What was done, in the past tense, to be pasted into a paper."""
    design = parts.design
    words = parts.words
    run = parts.run
    kind = {"gaussian": "linear", "bernoulli": "logistic"}[design.family.name]
    factors = listed([f"{words.counted(len(f.levels), f.label)}" for f in design.factors])
    hierarchical = f"Bayesian hierarchical {kind} model" if design.factors else f"Bayesian {kind} regression"
    text = (
        f"We fitted a {hierarchical} of {outcome_name(design, words)} to {design.rows.used:,} rows"
        f"{f' of {factors}' if factors else ''}, with hierkit {run.versions.get('hierkit', '')} (formula "
        f"{design.formula.text}, in the language of lme4: Bates et al. 2015). "
    )
    if design.outcome.sd_is_known:
        text += f"The standard deviations of the rows were taken as known ({design.formula.precision.known_sd}). "
    if design.formula.precision.weights is not None and design.family.has_residual:
        text += f"Residual variances were divided by the weights {design.formula.precision.weights}. "
    own = [name for name in parts.priors if name in parts.priors.from_user]
    text += (
        "Priors were weakly informative defaults"
        if not own
        else f"Priors of {listed(own)} were chosen by us; the others were weakly informative defaults"
    )
    text += f" ({'; '.join(f'{name} ~ {prior}' for name, prior in parts.priors.items())}). "
    text += (
        f"The No-U-Turn sampler (Hoffman and Gelman 2014) ran {run.chains} chains of {run.draws:,} draws after "
        f"{run.tune:,} for adaptation, with seed {run.random_seed}; convergence was judged by R-hat and effective "
        f"sample sizes (Vehtari et al. 2021). We report posterior means with {interval_in_words()}."
    )
    return text


def references(parts: Parts) -> tuple[str, ...]:
    """The works that the paragraph names."""
    used = ["formula", "NUTS", "R-hat"]
    if any(factor.blocks for factor in parts.design.factors):
        used.append("LKJ")
    return tuple(sorted(REFERENCES[name] for name in used))


def script(parts: Parts) -> str:
    """Python that makes the same fit again, given the table."""
    design, run = parts.design, parts.run
    options = [f"family={design.family.name!r}"] if design.family.name != "gaussian" else []
    options += [f"{name}={value!r}" for name, value in design.formula.precision.given.items()]
    own = {name: str(prior) for name, prior in parts.priors.items() if name in parts.priors.from_user}
    if own:
        options.append(f"priors={own!r}")
    if run.effects != "normal":
        options.append(f"effects={run.effects!r}")
    options += [
        f"engine={run.engine!r}",
        f"draws={run.draws}",
        f"tune={run.tune}",
        f"chains={run.chains}",
        f"target_accept={run.target_accept:g}",
        f"random_seed={run.random_seed}",
    ]
    if design.formula.trusted:
        options.append("trusted_formula=True")
    lines = [f"    {design.formula.text!r},", "    data,", *(f"    {option}," for option in options)]
    return "\n".join(
        [
            "import pandas as pd",
            "",
            "import hierkit",
            "",
            'data = pd.read_csv("your_table.csv")',
            "fit = hierkit.fit(",
            *lines,
            ")",
        ]
    )
