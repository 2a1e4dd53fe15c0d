"""The command line: hierkit fit | check | report | demo. Results go to stdout, progress and warnings to stderr."""

import contextlib
import sys
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from hierkit.errors import HierkitError, refusal
from hierkit.replacing import writable
from hierkit.visible import visible

FAILED = 1
NOT_CONVERGED = 3
INTERRUPTED = 130
DEMOS = (("csat_slopes", "csat ~ wait + (wait | team)"), ("sleepstudy", "Reaction ~ Days + (Days | Subject)"))

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Fit hierarchical models with lme4's formulas, check them, and report them.",
)

Data = Annotated[Path, typer.Argument(help='A table: .csv, .tsv or .parquet; a folder of them, or "sales/*.csv".')]
FormulaText = Annotated[str, typer.Argument(help='In quotes: "y ~ x + (x | g)".', metavar="FORMULA")]
Family = Annotated[Literal["gaussian", "bernoulli"], typer.Option(help="Of the outcome.")]
MissingOptions = Annotated[
    list[str] | None,
    typer.Option("--missing", metavar="WORD", help="A word that means a missing value, beside empty cells."),
]
Weights = Annotated[
    str | None,
    typer.Option(help="A column of weights w: the residual variance is σ²/w; or of trials, for a bernoulli outcome."),
]
KnownSd = Annotated[str | None, typer.Option("--known-sd", help="A column of known sds, of rows that are estimates.")]
PriorOptions = Annotated[list[str] | None, typer.Option("--prior", help='NAME=DIST, as in "sigma=HalfNormal(10)".')]


@app.command("fit")
def fit_command(
    data: Data,
    formula: FormulaText,
    family: Family = "gaussian",
    weights: Weights = None,
    known_sd: KnownSd = None,
    prior: PriorOptions = None,
    missing: MissingOptions = None,
    report: Annotated[Path | None, typer.Option(help="Write an HTML report here.")] = None,
    save: Annotated[Path | None, typer.Option(help="Write the fit here.")] = None,
    seed: Annotated[int | None, typer.Option(help="Same seed, same draws.")] = None,
    draws: Annotated[int, typer.Option(help="Draws per chain.")] = 1000,
    tune: Annotated[int | None, typer.Option(help="Tuning draws per chain.")] = None,
    chains: Annotated[int, typer.Option(help="Chains.")] = 4,
    strict: Annotated[bool, typer.Option(help="Exit with 3 if the draws cannot be trusted.")] = False,
) -> None:
    """Fit a model and print its summary."""
    import hierkit
    from hierkit.model.formula import parse
    from hierkit.model.precision import make_precision
    from hierkit.sources.files import files_of

    for target in (report, save):
        _check_target(target)
        if target is not None and target.exists() and any(target.samefile(file) for file in files_of(data)):
            raise refusal(
                f"{str(target)!r} is a file of the table itself", "Results go into other files", "Name another"
            )
    parsed = parse(formula).with_precision(make_precision(weights, known_sd, family))
    table = _read_table(data, parsed.columns, missing)
    fitted = _to_stderr(
        lambda: hierkit.fit(
            formula,
            table,
            family=family,
            weights=weights,
            known_sd=known_sd,
            priors=_read_priors(prior or []),
            random_seed=seed,
            draws=draws,
            tune=tune,
            chains=chains,
        )
    )
    if save is not None:
        fitted.save(save)
    if report is not None:
        fitted.report().save(report)
    typer.echo(str(fitted.summary()))  # last: whoever reads it may have gone
    if strict and fitted.checks().need_action:
        raise typer.Exit(NOT_CONVERGED)


@app.command()
def check(
    data: Data,
    formula: FormulaText,
    family: Family = "gaussian",
    weights: Weights = None,
    known_sd: KnownSd = None,
    prior: PriorOptions = None,
    missing: MissingOptions = None,
) -> None:
    """Show what a formula means for a table: groups, priors and findings. Samples nothing."""
    from hierkit.checks.data import data_findings
    from hierkit.checks.findings import sorted_findings
    from hierkit.model.design import make_design
    from hierkit.model.formula import parse
    from hierkit.model.labels import some
    from hierkit.model.precision import make_precision
    from hierkit.model.priors import make_priors
    from hierkit.model.rows import read_rows

    parsed = parse(formula).with_precision(make_precision(weights, known_sd, family))
    design = make_design(parsed, read_rows(_read_table(data, parsed.columns, missing), parsed.columns), family)
    typer.echo(f"{design.rows.used:,} of {design.rows.given:,} rows used")
    for factor in design.factors:
        effects = ", ".join(effect.label for effect in factor.effects)
        groups = some(factor.levels.tolist(), 8)
        typer.echo(visible(f"{factor.label}: {len(factor.levels)} groups ({groups}); effects {effects}"))
    typer.echo(f"\n{make_priors(design, _read_priors(prior or []))!r}\n\n{sorted_findings(data_findings(design))!r}")


@app.command()
def report(
    fit: Annotated[Path, typer.Argument(help="A file that fit.save() or hierkit fit --save wrote.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The HTML file.")] = Path("report.html"),
    title: Annotated[str | None, typer.Option(help="Title of the page.")] = None,
) -> None:
    """Write the HTML report of a saved fit."""
    import hierkit

    _check_target(output)
    hierkit.load(fit).report(title).save(output)
    typer.echo(str(output))


@app.command()
def demo(
    folder: Annotated[Path, typer.Option(help="Where the reports go.")] = Path("demo"),
    seed: Annotated[int, typer.Option(help="Same seed, same draws.")] = 1,
) -> None:
    """Fit two models with random slopes, print their summaries, and write a report of each."""
    import hierkit

    for name, formula in DEMOS:
        data = getattr(hierkit.datasets, name)()
        fitted = _to_stderr(partial(hierkit.fit, formula, data, random_seed=seed))
        target = folder / name / "report.html"
        target.parent.mkdir(parents=True, exist_ok=True)
        fitted.report(f"{name}: {formula}").save(target)
        from hierkit.model.run import Run

        run = Run.from_attrs(fitted.draws.attrs)
        typer.echo(f"{fitted.summary()}\n\nSampled by {run.engine} in {run.sampling_seconds} s. {target}\n")


def main() -> None:
    """Run the command line: a refusal is one line on stderr and exit status 1, an interrupt 130."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # not every console has every letter
    try:
        app()
    except (HierkitError, OSError) as error:
        print(f"hierkit: {error}", file=sys.stderr)
        sys.exit(FAILED)


def _to_stderr[Made](make: Callable[[], Made]) -> Made:
    """Call with everything that is printed sent to stderr, and warnings as single lines there."""

    def show(message: Warning | str, *_: Any, **__: Any) -> None:
        print(f"hierkit: {message}", file=sys.stderr)

    with contextlib.redirect_stdout(sys.stderr), warnings.catch_warnings():
        warnings.showwarning = show
        try:
            made = make()
        except KeyboardInterrupt as interrupt:
            print(f"hierkit: {interrupt}", file=sys.stderr)
            raise typer.Exit(INTERRUPTED) from None
    return made


def _check_target(target: Path | None) -> None:
    """Refuse a file that cannot be written, before anything is computed for it."""
    if target is not None:
        writable(target)


def _read_table(path: Path, columns: Sequence[str], missing: list[str] | None) -> Any:
    """The used columns of a table, with what is noticed on the way as single lines on stderr."""
    from hierkit.sources.files import read_files

    return _to_stderr(lambda: read_files(path, columns, missing or [], "pass --missing {word}"))


def _read_priors(options: list[str]) -> dict[str, str]:
    priors = {}
    for option in options:
        name, equals, distribution = option.partition("=")
        if not equals:
            raise refusal(f"--prior {option!r} has no =", "It is NAME=DIST", 'Write "sigma=HalfNormal(10)"')
        priors[name.strip()] = distribution.strip()
    return priors
