"""Every name of a parameter, a variable or a dimension: made here, read here.

Parameters are what a user reads and sets priors on: `wait`, `sd(wait|team)`, `cor(team)`, `nu(team)`, `sigma`.
Variables and dimensions are those of the draws, where Bambi names them: `wait|team`, `wait|team_sigma`,
`team__factor_dim`; hierkit adds `team_corr` and `team_nu`.
"""

import re
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from enum import Enum

import xarray as xr

from hierkit.errors import refusal

INTERCEPT = "Intercept"
RESIDUAL_SD = "sigma"
EFFECTS_SEED = "effects_seed"  # attribute of a posterior without the effects of its largest factor
BAMBI_INTERCEPT = "1"  # of a group, in the names and coordinates of draws


class Kind(Enum):
    """What a parameter is."""

    COEFFICIENT = "coefficient"
    SD = "sd"
    CORRELATION = "correlation"
    DEGREES = "degrees of freedom"
    RESIDUAL_SD = "residual sd"


PREFIXES = {"sd": Kind.SD, "cor": Kind.CORRELATION, "nu": Kind.DEGREES}


def sd(effect: str, factor: str) -> str:
    """The sd of one effect over the groups of a factor, `sd(wait|team)`."""
    return f"sd({effect}|{factor})"


def all_sds(factor: str) -> str:
    """The sds of all effects of a factor, as `priors=` may name them: `sd(team)`."""
    return f"sd({factor})"


def correlations(factor: str) -> str:
    """The correlation matrix of a factor's effects, `cor(team)`."""
    return f"cor({factor})"


def correlation(one: str, other: str, factor: str) -> str:
    """The correlation of two effects of a factor, `cor(Intercept, wait|team)`."""
    return f"cor({one}, {other}|{factor})"


def degrees(factor: str) -> str:
    """The degrees of freedom of Student-t effects, `nu(team)`."""
    return f"nu({factor})"


def kind_of(parameter: str) -> Kind:
    """What the parameter of that name is."""
    if parameter == RESIDUAL_SD:
        return Kind.RESIDUAL_SD
    found = re.fullmatch(r"(sd|cor|nu)\(.*\)", parameter, flags=re.DOTALL)
    return PREFIXES[found[1]] if found else Kind.COEFFICIENT


def check_coefficients(names: Iterable[str]) -> None:
    """Refuse a coefficient with the name of another kind of parameter, whose prior it would share.

    Raises
    ------
    HierkitError
        For the first such name.
    """
    taken = [name for name in names if name == INTERCEPT or kind_of(name) is not Kind.COEFFICIENT]
    if taken:
        raise refusal(
            f"A predictor is called {taken[0]!r}",
            f"{INTERCEPT}, {RESIDUAL_SD}, sd(...), cor(...) and nu(...) are names of parameters",
            "Rename the column",
        )


def with_intercepts(parameter: str) -> str:
    """A parameter with lme4's `1` for a group's intercept in hierkit's word: `sd(1|team)` is `sd(Intercept|team)`."""
    if parameter.startswith(f"sd({BAMBI_INTERCEPT}|"):
        return parameter.replace(BAMBI_INTERCEPT, INTERCEPT, 1)
    return parameter


@dataclass(frozen=True)
class FactorNames:
    """The names of one factor's variables and dimensions in the draws."""

    factor: str

    def effects(self, term: str) -> str:
        """The effects of all groups for one term, `wait|team`."""
        return f"{term}|{self.factor}"

    def sd(self, term: str) -> str:
        """The sd of these effects, `wait|team_sigma`."""
        return f"{self.effects(term)}_sigma"

    @property
    def correlations(self) -> str:
        """The correlation matrix of the effects, `team_corr`."""
        return f"{self.factor}_corr"

    @property
    def degrees(self) -> str:
        """The degrees of freedom of Student-t effects, `team_nu`."""
        return f"{self.factor}_nu"

    @property
    def group_dim(self) -> str:
        """The dimension of the groups, `team__factor_dim`."""
        return f"{self.factor}__factor_dim"

    @property
    def effect_dims(self) -> tuple[str, str]:
        """The two dimensions of the correlation matrix."""
        return f"{self.factor}_effect", f"{self.factor}_effect_other"

    def auxiliary(self, word: str) -> str:
        """A variable that Bambi leaves out of the draws, because its name ends in `_offset`."""
        return f"{self.factor}_{word}_offset"


def term_dim(term: str) -> str:
    """The dimension of a common term of several columns."""
    return f"{term}_dim"


def effect_dim(term: str) -> str:
    """The dimension of a group term of several columns."""
    return f"{term}__expr_dim"


def is_group_dim(dim: Hashable) -> bool:
    """Whether a dimension of the draws is that of a factor's groups."""
    return str(dim).endswith("__factor_dim")


def column_dim(variable: xr.DataArray) -> str:
    """The dimension along which a term's variable holds its columns."""
    return next(dim for dim in map(str, variable.dims) if dim.endswith("_dim") and not is_group_dim(dim))


def matrix_dims(variable: xr.DataArray) -> list[Hashable]:
    """The two dimensions of a correlation matrix in the draws; none for other variables."""
    dims = [dim for dim in variable.dims if str(dim).endswith(("_effect", "_effect_other"))]
    return dims if len(dims) == 2 else []
