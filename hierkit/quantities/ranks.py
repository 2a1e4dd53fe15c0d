"""Each group's rank among the others, and how certain it is."""

from collections.abc import Callable

import numpy as np
import xarray as xr
from scipy.stats import rankdata

from hierkit.arrays import Array
from hierkit.errors import refusal
from hierkit.intervals import beside
from hierkit.posterior.draws import flat, in_batches
from hierkit.posterior.effects import labels_of, sizes_of
from hierkit.posterior.posterior import Posterior, draws_note
from hierkit.posterior.quantity import Quantity

VARIABLES = 2  # of the size of the effects


def ranks(
    posterior: Posterior,
    factor: str | None = None,
    effect: str | None = None,
    best: int | None = None,
    highest_first: bool = True,
) -> Quantity:
    """Each group's rank within each draw, and the probability of being among the best.

    Parameters
    ----------
    posterior : Posterior
        The draws with their design.
    factor : str, optional
        The grouping factor; the only one if not given.
    effect : str, optional
        What the groups are ranked by; the first effect, usually the intercept, if not given.
    best : int, optional
        How many are the best; a tenth of the groups, at least one, if not given.
    highest_first : bool
        Whether rank 1 is the largest effect.

    Returns
    -------
    Quantity
        `rank` (chain, draw, group), 1 to the number of groups: its mean is the posterior expected rank; `among_best`
        (chain, draw, group), 1 where the rank is at most `best`: its mean is the probability. `n` (group). Of very many
        groups as many evenly spaced draws are ranked as memory holds.

    Raises
    ------
    HierkitError
        For an unknown factor or effect, and a `best` that is not between 1 and the number of groups.

    Notes
    -----
    Ranking posterior means is not the same: it takes small groups, which are pulled to the middle, for average ones,
    and says nothing of how often two groups would change places (Laird and Louis 1989).
    """
    design = posterior.design
    chosen = design.factor(factor)
    labels, size = [own.label for own in chosen.effects], len(chosen.levels)
    named = labels[0] if effect is None else effect
    if named not in labels:
        allowed = f"Its effects are {', '.join(map(repr, labels))}"
        raise refusal(f"{chosen.label!r} has no effect {named!r}", allowed, "Name one of them")
    top = max(1, round(size / 10)) if best is None else best
    if top != int(top) or not 1 <= top <= size:
        allowed = f"It is a whole number from 1 to {size}, the number of groups"
        raise refusal(f"best={best!r}", allowed, "Choose such a number")
    used = posterior.within_memory(VARIABLES * size)
    draws, u = used.parameters, used.effects(chosen).u.sel(effect=named)
    values = _rows_of(u, posterior.keeps(chosen))
    order = np.empty((used.size, size))

    def fill(part: slice) -> None:
        own = values(part)
        order[part] = rankdata(-own if highest_first else own, axis=1)

    in_batches(fill, used.size, size, "ranks")
    groups = {"group": chosen.levels}
    definition = (
        f"Ranks of the groups of {chosen.label} by {named}, within each draw, 1 = "
        f"{'highest' if highest_first else 'lowest'}: the mean is the expected rank, among_best the probability of a "
        f"rank up to {top}. Not the ranks of the posterior means, which take small groups, pulled to the middle, for "
        "average ones."
    )
    definition += draws_note(used, posterior)
    arrays = {
        "n": sizes_of(design, chosen),
        "rank": draws.labelled(order, groups),
        "among_best": beside(draws.labelled((order <= top).astype(np.float64), groups)),
    }
    return Quantity(xr.Dataset(arrays, attrs=labels_of(design, chosen)), definition, picture="ranks")


def _rows_of(u: xr.DataArray, are_kept: bool) -> Callable[[slice], Array]:
    """A function of some draws: (sample, group), the effects in them."""
    if are_kept:
        kept = flat(u)
        return lambda part: kept[part]
    size = u.sizes["draw"]

    def read(part: slice) -> Array:
        places = (divmod(sample, size) for sample in range(part.start, part.stop))
        return np.array([u[chain, draw].values for chain, draw in places])

    return read
