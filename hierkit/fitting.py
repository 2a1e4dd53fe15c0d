"""fit(), load() and compare(): where a Fit comes from, and several side by side."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from hierkit import sampling
from hierkit.checks.data import findings_before_sampling
from hierkit.errors import SamplingWarning, refusal, warn
from hierkit.fitted import Fit
from hierkit.model.design import make_design
from hierkit.model.families import FamilyName
from hierkit.model.formula import parse
from hierkit.model.groups import Factor
from hierkit.model.points import design_of_points
from hierkit.model.precision import make_precision
from hierkit.model.priors import EffectsDistribution, make_priors, where_zero
from hierkit.model.rows import Missing
from hierkit.model.run import EngineName, NutsSampler, Run
from hierkit.posterior.quantity import Quantity
from hierkit.reporting.model_table import ModelTable, model_table
from hierkit.reporting.render import Report, render_several
from hierkit.sampling.draws import template
from hierkit.sampling.engines import choose
from hierkit.sampling.settings import make_settings
from hierkit.streaming.rows_or_sums import design_of_source
from hierkit.tasks import in_turn
from hierkit.validation.compare import compare_validations
from hierkit.validation.validation import Validation
from hierkit.vocabulary import Labels, Units


def fit(
    formula: str,
    data: Any,
    *,
    family: FamilyName = "gaussian",
    weights: str | None = None,
    known_sd: str | None = None,
    priors: Mapping[str, Any] | None = None,
    effects: EffectsDistribution = "normal",
    engine: EngineName = "auto",
    nuts_sampler: NutsSampler | None = None,
    draws: int = 1000,
    tune: int | None = None,
    chains: int = 4,
    cores: int | None = None,
    random_seed: int | np.random.Generator | None = None,
    target_accept: float | None = None,
    progressbar: bool = True,
    missing: Missing = "drop",
    trusted_formula: bool = False,
) -> Fit:
    """Fit a hierarchical model and draw from its posterior.

    Parameters
    ----------
    formula : str
        lme4's language: `"y ~ x + (x | g)"`; `p(successes, trials) ~ ...` for counts; backticks around names with
        spaces or symbols.
    data : table, str or Path
        pandas, polars, pyarrow, or anything else narwhals reads, DuckDB relations and lazy tables included; an Arrow
        dataset or stream; or the path of a file, a folder, or a pattern such as `sales/*.parquet` of files that end in
        .csv, .tsv or .parquet. Of more than ten million rows sums or counts are kept (docs/beyond_memory.md).
    family : {"gaussian", "bernoulli"}
        Of the outcome. A text or boolean outcome is two-valued: its second value, or the one named as in
        `outcome["yes"]`, is the event.
    weights : str, optional
        A column of positive numbers w: the residual variance of a row is σ²/w, as in lme4, for rows that are means of w
        values, for example. With "bernoulli" the outcome is a share of events, or 0 and 1, and w are the trials.
    known_sd : str, optional
        A column of sampling sds s, such as the standard errors of published estimates: the residual variance of a row
        is s², and there is no σ to estimate (meta-analysis). They are in the units of the outcome as the formula has
        it: of the log where it is `log(y)`.
    priors : mapping, optional
        By parameter, for example `{"wait": "Normal(0, 1)", "sd(team)": "Exponential(1)"}`; text, or a `bambi.Prior`.
        Those not given have the defaults, and `fit.priors` shows all.
    effects : {"normal", "student_t"}
        The distribution of the group effects.
    engine : {"auto", "marginal", "joint", "pymc"}
        What draws from the posterior: the fastest that fits the model, or the one named (docs/engines.md).
    nuts_sampler : {"nutpie", "pymc", "numpyro", "blackjax"}, optional
        Which implementation of NUTS runs PyMC's model; naming one chooses the engine "pymc".
    draws : int
        Draws kept per chain.
    tune : int, optional
        Draws per chain in which NUTS adapts, and which are discarded. The default is 500; 1,000 with the engine "pymc",
        for which no pilot has chosen the coordinates; 2,000 with priors of group effects set at a zero beside the rows.
    chains : int
        Chains.
    cores : int, optional
        Chains run at once.
    random_seed : int, numpy.random.Generator or None
        The same seed gives the same draws; one is drawn and recorded if none is given.
    target_accept : float, optional
        NUTS's target acceptance. If not given 0.8, or 0.9 where a factor has fewer than ten groups. After
        divergences the model is sampled once more with a larger one.
    progressbar : bool
        Show progress.
    missing : {"drop", "error"}
        What to do with rows in which a used column is missing.
    trusted_formula : bool
        Let the formula call any function of numpy and pandas. Only for formulas that you wrote.

    Returns
    -------
    Fit

    Raises
    ------
    HierkitError
        For whatever cannot be fitted, before anything is sampled.

    Warns
    -----
    SamplingWarning
        If the draws may not represent the posterior.
    HierkitWarning
        Before sampling, if a factor has thousands of groups of one row each, whose sd the rows do not know.
    """
    settings = make_settings(draws, tune, chains, cores, random_seed, target_accept, nuts_sampler, progressbar)
    parsed = parse(formula, trusted_formula).with_precision(make_precision(weights, known_sd, family))
    parsed, design = design_of_source(
        parsed, data, family, engine if nuts_sampler is None else "pymc", missing, progressbar
    )
    table = make_priors(design, priors, effects)
    choice = choose(engine, design, table, nuts_sampler)
    for finding in findings_before_sampling(design):
        warn(f"{finding.message} {finding.advice}")
    if tune is None:
        settings = replace(settings, tune=sampling.default_tune(choice, design, table))
    if target_accept is None:
        settings = replace(settings, target_accept=sampling.default_target_accept(design))
    fitted = Fit(parsed, design, table, sampling.sample(design, table, effects, choice, settings))
    if trouble := fitted.checks().need_action:
        lines = [f"{finding.message} {finding.advice}" for finding in trouble]
        warn("The draws cannot be trusted yet. " + " ".join(lines), SamplingWarning)
    return fitted


def compare(models: Mapping[str, Fit | Validation], factor: str | None = None) -> Quantity:
    """Models of the same outcome and rows side by side, by their scores of rows or groups left out.

    Parameters
    ----------
    models : mapping of str to Fit or Validation
        By name. A `Validation` is taken as it is, for example `fit.loo(refit=True)`.
    factor : str, optional
        Leave out whole groups of this factor, which one of the models has; single rows if not given.

    Returns
    -------
    Quantity
        See `hierkit.validation.compare.compare_validations`.

    Raises
    ------
    HierkitError
        For fewer than two models, and for models of other rows, outcomes or groups.
    """
    if not isinstance(models, Mapping) or not all(isinstance(one, Fit | Validation) for one in models.values()):
        raise refusal(
            f"models= is a {type(models).__name__}, not a mapping of names to fits",
            "compare() takes fits or validations by name",
            'Pass {"one": fit, "other": fit}',
        )
    fits = {name: model for name, model in models.items() if isinstance(model, Fit)}
    tasks = [(model, None if factor is None else _factor_of(models, model, factor)) for model in fits.values()]
    validated = dict(zip(fits, in_turn(_validated, tasks, "models"), strict=True))
    given = {name: model for name, model in models.items() if isinstance(model, Validation)}
    return compare_validations({name: given[name] if name in given else validated[name] for name in models})


def _validated(task: tuple[Fit, str | Factor | None]) -> Validation:
    model, factor = task
    return model.loo() if factor is None else model.logo(factor)


def _factor_of(models: Mapping[str, Fit | Validation], model: Fit, label: str) -> str | Factor:
    """A factor by its label, or from another model of the same rows where this one does not have it."""
    if label not in [factor.label for factor in model.design.factors]:
        for other in models.values():
            if isinstance(other, Fit) and np.array_equal(other.design.rows.positions, model.design.rows.positions):
                for factor in other.design.factors:
                    if factor.label == label:
                        return factor
    return label


def compare_table(models: Mapping[str, Fit]) -> ModelTable:
    """Models side by side: coefficients, sds and correlations, σ, ICC, R², rows, groups, and LOO's log score.

    Parameters
    ----------
    models : mapping of str to Fit
        By the name of each model.

    Returns
    -------
    ModelTable
        Prints side by side; `to_markdown`, `to_latex`, `to_html` and `to_csv`; `table()` has the numbers, a row for
        each parameter of each model. Log scores are left out where models are of different outcomes or rows.

    Raises
    ------
    HierkitError
        For what is no mapping of names to fits, and for an empty one.
    """
    _check_fits(models, "compare_table()")
    return model_table({str(name): one._posterior for name, one in models.items()})


def report(
    models: Mapping[str, Fit],
    title: str | None = None,
    labels: Labels | None = None,
    units: Units | None = None,
) -> Report:
    """Several fits on one page: which predicts better, their estimates side by side, what each says.

    Parameters
    ----------
    models : mapping of str to Fit
        By the name of each model.
    title : str, optional
        Of the page; the outcome if not given.
    labels, units : mapping of str to str, optional
        The names and the units of columns, as of `Fit.report`.

    Returns
    -------
    Report
        One HTML file without scripts. Log scores are compared where models are of the same outcome and rows.

    Raises
    ------
    HierkitError
        For what is no mapping of names to fits, for an empty one, and for words of unknown columns.
    """
    _check_fits(models, "report()")
    return render_several({str(name): one._parts for name, one in models.items()}, title, labels, units)


def _check_fits(models: Any, function: str) -> None:
    if not isinstance(models, Mapping) or not models or not all(isinstance(one, Fit) for one in models.values()):
        given = "empty" if isinstance(models, Mapping) and not models else f"a {type(models).__name__}"
        raise refusal(
            f"models= is {given}, not a mapping of names to fits",
            f"{function} takes fits by name",
            'Pass {"one": fit, "other": fit}',
        )


def load(path: str | Path, trusted_formula: bool = False) -> Fit:
    """Read a fit that `Fit.save` wrote.

    Parameters
    ----------
    path : str or Path
        The file.
    trusted_formula : bool
        Accept a formula that calls functions outside the allowlist; only for files from people you trust.

    Returns
    -------
    Fit

    Raises
    ------
    HierkitError
        For a file that is no fit, is damaged, comes from a newer hierkit, or holds a formula that is not allowed.
    """
    from hierkit.storage import agreement, files  # Zarr takes a third of a second to import

    text, family, precision, rows, points, priors, draws = files.read(path)
    with files.refusing_damage(path):
        agreement.check_run(draws.attrs)
        agreement.check_rows(rows)
        effects = Run.from_attrs(draws.attrs).effects
        formula = parse(text, trusted_formula).with_precision(make_precision(**precision, family=family))
        if list(formula.columns) != list(rows.frame.columns):
            raise files.damaged(path, "its rows are not those of its formula")
        design = make_design(formula, rows, family) if points is None else design_of_points(formula, rows, points)
        if set(priors) != set(make_priors(design, effects=effects)):
            raise files.damaged(path, "its parameters are not those of its formula, or an older hierkit named them")
        make_priors(design, priors, effects)
        agreement.check_draws(draws, design, template(design, effects))
    if not priors.holds:
        priors = replace(priors, holds=where_zero(design))
    return Fit(formula, design, priors, draws)
