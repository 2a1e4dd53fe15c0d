"""Any draws as intervals: coefficients, slopes, variance components, predictions."""

from typing import Any

import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hierkit.arrays import SAMPLE_DIMS
from hierkit.intervals import interval, interval_in_words, interval_settings, with_bounds
from hierkit.plots.canvas import MOST_LABELS, paper, reference, shorten, term, title, whiskers

MOST_PANELS = 12
APART = ("term", "component")  # entries of these dims have scales of their own


def draw(draws: xr.Dataset) -> Figure:
    """An interval for each entry; a panel for each variable, or for each entry where they have scales of their own."""
    draws = with_bounds(draws, interval_settings())
    names = [str(name) for name, variable in draws.items() if set(SAMPLE_DIMS) <= set(variable.dims)]
    panels: dict[str, dict[str, xr.DataArray]] = {}
    for name in names:
        apart = next((dim for dim in APART if dim in draws[name].dims), None)
        entries = _entries(draws[name])
        if apart is not None:
            panels |= {f"{name}: {term(label, 60)}": {label: values} for label, values in entries.items()}
        elif draws.attrs.get("one_scale"):
            one = panels.setdefault(", ".join(names), {})
            one |= {f"{name} {label}".strip(): values for label, values in entries.items()}
        else:
            panels[name] = entries
    shown = list(panels.items())[:MOST_PANELS]
    most = min(MOST_LABELS, max(len(entries) for _, entries in shown))
    columns = min(3, len(shown))
    figure, axes = paper(columns, -(-len(shown) // columns), height=1.3 + 0.28 * most)
    for panel, (named, entries) in zip(axes, shown, strict=False):
        _panel(panel, named, entries)
    for panel in axes[len(shown) :]:
        panel.set_visible(False)
    left_out = f"; {len(shown)} of {len(panels)} are shown" if len(shown) < len(panels) else ""
    title(figure, interval_in_words() + left_out)
    return figure


def _panel(axes: Axes, named: str, entries: dict[str, xr.DataArray]) -> None:
    values = xr.concat(list(entries.values()), dim="entry", coords="minimal", compat="override")
    whiskers(axes, interval(values), [label if len(entries) > 1 else "" for label in entries], "entries")
    axes.set_xlabel(shorten(named, 60))
    if values.min() < 0 < values.max():
        reference(axes, 0.0)


def _entries(variable: xr.DataArray) -> dict[str, xr.DataArray]:
    """Draws (chain, draw) of each entry, by its labels."""
    labels = [str(dim) for dim in variable.dims if dim not in SAMPLE_DIMS]
    if not labels:
        return {"": variable}
    flat = variable.stack(entry=labels)
    keys: list[Any] = flat["entry"].values.tolist()
    names = [", ".join(map(str, key if isinstance(key, tuple) else (key,))) for key in keys]
    return {name: flat.isel(entry=i, drop=True).drop_vars(labels, errors="ignore") for i, name in enumerate(names)}
