"""Imports between packages point one way, and each heavy library is imported from one place."""

import ast
from pathlib import Path
from typing import Any

import pytest

PACKAGE = Path(__file__).parent.parent / "hierkit"
MODULES = sorted(PACKAGE.rglob("*.py"))
# a package may import from itself and from those on its right
ALLOWED = {
    "arrays": set(),
    "errors": {"visible"},
    "visible": set(),
    "compiled": {"arrays", "errors"},
    "datasets": set(),
    "lazily": set(),
    "cores": {"progress"},
    "progress": set(),
    "documented": set(),
    "intervals": {"arrays", "errors"},
    "formats": {"visible"},
    "memory": set(),
    "model": {"arrays", "errors", "formats", "memory"},
    "plots": {"arrays", "errors", "intervals", "vocabulary"},
    "sampling": {"arrays", "compiled", "cores", "errors", "lazily", "memory", "model", "progress"},
    "replacing": {"errors"},
    "storage": {"errors", "memory", "model", "replacing"},
    "posterior": {
        *("arrays", "compiled", "cores", "intervals", "errors", "formats", "memory", "model", "plots", "vocabulary"),
        "visible",
    },
    "integration": {"arrays", "errors", "model", "posterior"},
    "quantities": {"arrays", "errors", "integration", "intervals", "model", "posterior"},
    "prediction": {"arrays", "errors", "integration", "model", "posterior"},
    "validation": {"arrays", "cores", "errors", "integration", "model", "posterior", "tasks"},
    "statements": {"arrays", "errors", "intervals", "model", "posterior", "prediction", "quantities"},
    "checks": {"arrays", "errors", "formats", "model", "posterior", "quantities", "visible"},
    "classical": {"arrays", "cores", "errors", "model", "posterior", "quantities"},
    "reporting": {
        *("checks", "classical", "errors", "formats", "integration", "intervals", "model", "plots", "posterior"),
        *("prediction", "progress", "quantities", "replacing", "validation", "visible", "vocabulary"),
    },
    "refitting": {"errors", "model", "sampling"},
    "predictive": {"model", "posterior", "prediction", "sampling"},
    "pictures": {"errors", "model", "plots", "posterior", "prediction", "predictive"},
    "simulation": {
        "arrays",
        "errors",
        "intervals",
        "model",
        "posterior",
        "prediction",
        "quantities",
        "sampling",
        "tasks",
    },
    "fitted": {
        *("checks", "classical", "documented", "errors", "model", "pictures", "plots", "posterior", "prediction"),
        *(
            "predictive",
            "quantities",
            "refitting",
            "reporting",
            "sampling",
            "simulation",
            "statements",
            "storage",
            "streaming",
        ),
        *("validation", "vocabulary"),
    },
    "fitting": {
        "checks",
        "errors",
        "fitted",
        "model",
        "posterior",
        "reporting",
        "sampling",
        "sources",
        "storage",
        "tasks",
        "streaming",
        "validation",
        "vocabulary",
    },
    "fits": {"errors", "fitted", "fitting", "model", "sampling", "simulation", "sources", "tasks"},
    "sources": {"errors", "model"},
    "streaming": {
        "arrays",
        "compiled",
        "errors",
        "memory",
        "model",
        "posterior",
        "prediction",
        "progress",
        "replacing",
        "sources",
    },
    "tasks": {"cores", "errors", "progress"},
    "cli": {"checks", "errors", "fitted", "fitting", "hierkit", "model", "replacing", "sources", "visible"},
    "vocabulary": {"errors"},
    "__init__": {"errors"},
}
# within sampling: what each folder may import from its neighbours
ENGINES = {
    "kernels": {"console", "settings", "stopping"},
    "marginal": {"console", "draws", "kernels", "settings"},
    "joint": {"console", "draws", "kernels", "settings"},
    "pymc": {"console", "draws", "settings", "stopping"},
}
ONLY = {
    "arviz_plots": {"plots/canvas.py", "plots/sampling.py"},
    "formulae": {
        "model/allowlist.py",
        "model/bars.py",
        "model/coding.py",
        "model/contrasts.py",
        "model/expansion.py",
        "model/formula.py",
        "model/left_side.py",
        "model/parser.py",
        "model/size.py",
        "model/spelling.py",
        "model/syntax.py",
        "model/terms.py",
    },
    "bambi": {"model/bambi_model.py", "model/bambi_coefficients.py", "model/bambi_family.py"},
    "pymc": {
        "model/bambi_model.py",
        "model/bambi_coefficients.py",
        "model/bambi_family.py",
        "sampling/pymc/engine.py",
    },
    "pytensor": {"model/bambi_model.py", "model/bambi_coefficients.py", "sampling/pymc/engine.py"},
    "jinja2": {"reporting/render.py"},
    "numba": {"compiled/compiling.py", "sampling/kernels/densities.py"},
    "nutpie": {"sampling/kernels/__init__.py", "sampling/kernels/nutpie_model.py", "sampling/kernels/nuts.py"},
    "tqdm": {"progress.py", "sampling/console.py"},
    "typer": {"cli.py"},
    "zarr": {"storage/arrays.py"},
    "narwhals": {"model/complete_rows.py", "model/within_between.py", "model/rows.py", "sources/chunks.py"},
    "statsmodels": {"classical/bernoulli.py", "classical/meta_analysis.py", "classical/regressions.py"},
    "threadpoolctl": {"cores.py", "tasks.py"},
}


def package_of(path: Path) -> str:
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def imports(path: Path) -> set[str]:
    """Every imported module, except those that only type checkers see."""
    tree = ast.parse(path.read_text())
    hidden = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
        for node in ast.walk(block)
    }
    names = set()
    for node in ast.walk(tree):
        if id(node) in hidden:
            continue
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {
                f"{node.module}.{alias.name}" if node.module == "hierkit" else str(node.module) for alias in node.names
            }
    return names


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_one_way(path: Any) -> None:
    own = {
        name.split(".")[1] if "." in name else "hierkit" for name in imports(path) if name.split(".")[0] == "hierkit"
    }
    assert own <= ALLOWED[package_of(path)] | {package_of(path)}


@pytest.mark.parametrize("engine", ENGINES)
def test_engines_do_not_know_each_other(engine: Any) -> None:
    for path in (PACKAGE / "sampling" / engine).glob("*.py"):
        names = [name.split(".") for name in imports(path) if name.startswith("hierkit.sampling.")]
        assert {parts[2] for parts in names} <= ENGINES[engine] | {engine}


@pytest.mark.parametrize("library", ONLY)
def test_library_is_imported_from_its_place_only(library: Any) -> None:
    users = {str(p.relative_to(PACKAGE)) for p in MODULES if library in {name.split(".")[0] for name in imports(p)}}
    assert users == ONLY[library]


def test_every_package_is_listed() -> None:
    assert {package_of(path) for path in MODULES} == set(ALLOWED)
