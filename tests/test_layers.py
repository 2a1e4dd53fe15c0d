"""The rooms of the house import one way only, and each heavy library from one place."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "hierkit"
MODULES = sorted(PACKAGE.rglob("*.py"))
# a room may import from itself and from those after the arrow
ALLOWED = {
    "cli": {"errors", "fitted", "fitting", "model", "quantities", "hierkit"},
    "fitting": {"errors", "fitted", "model", "sampling", "quantities", "storage"},
    "fitted": {"errors", "model", "plots", "sampling", "quantities", "refitting", "report", "storage"},
    "refitting": {"errors", "model", "sampling"},
    "report": {"errors", "model", "plots", "quantities"},
    "storage": {"errors", "model"},
    "quantities": {"errors", "model", "plots"},
    "plots": set(),
    "sampling": {"errors", "model"},
    "model": {"errors"},
    "datasets": set(),
    "errors": set(),
    "__init__": {"errors", "fitting", "datasets", "hierkit", "model"},
}
ONLY = {
    "arviz_plots": {"plots/canvas.py", "plots/sampling.py"},
    "formulae": {"model/formula.py", "model/syntax.py", "model/spelling.py", "model/terms.py"},
    "bambi": {"model/bambi_model.py", "model/bambi_coefficients.py"},
    "pymc": {"model/bambi_model.py", "model/bambi_coefficients.py"},
    "pytensor": {"model/bambi_model.py", "model/bambi_coefficients.py"},
    "jinja2": {"report/render.py"},
    "numba": {"sampling/densities.py", "sampling/joint_effects.py", "sampling/marginal_effects.py"},
    "nutpie": {"sampling/nuts.py"},
    "tqdm": {"sampling/progress.py"},
    "typer": {"cli.py"},
    "zarr": {"storage.py"},
    "narwhals": {"model/centring.py", "model/rows.py"},
    "statsmodels": {"quantities/mixed_models.py", "quantities/regressions.py"},
    "threadpoolctl": {"quantities/predictor.py", "quantities/quantity.py"},
}


def room_of(path: Path) -> str:
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
def test_imports_point_one_way(path):
    own = {
        name.split(".")[1] if "." in name else "hierkit" for name in imports(path) if name.split(".")[0] == "hierkit"
    }
    assert own <= ALLOWED[room_of(path)] | {room_of(path)}


@pytest.mark.parametrize("library", ONLY)
def test_library_is_imported_from_its_place_only(library):
    users = {str(p.relative_to(PACKAGE)) for p in MODULES if library in {name.split(".")[0] for name in imports(p)}}
    assert users == ONLY[library]


def test_every_room_is_listed():
    assert {room_of(path) for path in MODULES} == set(ALLOWED)
