"""What tests read from figures."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from numpy.typing import NDArray


def labels(axes: Axes) -> list[str]:
    """The names along the y axis."""
    return [tick.get_text() for tick in axes.get_yticklabels()]


def line(axes: Axes, label: str) -> Any:
    """The line whose label starts so."""
    return next(one for one in axes.lines if str(one.get_label()).startswith(label))


def points(axes: Axes) -> NDArray[np.float64]:
    """(point, 2), the first line that is drawn as points."""
    return np.asarray(next(one for one in axes.lines if one.get_marker() == "o").get_xydata())


def segments(axes: Axes, place: int = 0) -> NDArray[np.float64]:
    """(segment, end, 2), the bars of a collection of lines."""
    collection: Any = axes.collections[place]
    return np.asarray(collection.get_segments())


def band(axes: Axes, x: Any, place: int = 0) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The lower and the upper edge of a filled band at these places, which are its own."""
    vertices = np.asarray(axes.collections[place].get_paths()[0].vertices)
    edges = [vertices[np.isclose(vertices[:, 0], at), 1] for at in x]
    return np.array([edge.min() for edge in edges]), np.array([edge.max() for edge in edges])


def rectangles(axes: Axes) -> list[Rectangle]:
    """The bars of a histogram."""
    return [patch for patch in axes.patches if isinstance(patch, Rectangle)]
