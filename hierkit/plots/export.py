"""A figure as bytes that are the same for the same figure."""

import io
import re

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.collections import Collection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from hierkit.plots.canvas import ONE_AT_A_TIME

# in the dark style of a page: ink becomes light, paper nothing, and what is quiet a little lighter
DARK = b"""@media (prefers-color-scheme: dark) {
text, [style*="fill: #262626"], [style*="fill: #000000"] { fill: #e3e6ea !important; }
[style*="stroke: #262626"], [style*="stroke: #000000"], [style*="stroke: #cccccc"] { stroke: #aeb6c0 !important; }
[style*="stroke: #7f7f7f"] { stroke: #9aa3ae !important; }
[style*="fill: #ffffff"] { fill: none !important; }
[style*="stroke: #ffffff"] { stroke: none !important; }
}"""
MOST_VECTORS = 200  # of one artist; more are drawn as pixels, which stay small
DPI = 72


def to_svg(figure: Figure) -> bytes:
    """The figure as SVG, without a date, with ids that do not change; large artists as pixels, words as text."""
    for axes in figure.axes:
        for artist in axes.get_children():
            if _size(artist) > MOST_VECTORS:
                artist.set_rasterized(True)
        if len(axes.lines) > MOST_VECTORS / 4:
            for line in axes.lines:
                line.set_rasterized(True)
    buffer = io.BytesIO()
    with ONE_AT_A_TIME, plt.rc_context({"svg.hashsalt": "hierkit", "svg.fonttype": "none"}):
        figure.savefig(buffer, format="svg", dpi=DPI, metadata={"Date": None, "Creator": None})
    svg = re.sub(rb"\n +", b"\n", buffer.getvalue())  # a seventh of it is indentation
    return svg.replace(b"</style>", DARK + b"</style>", 1)


def _size(artist: object) -> int:
    if isinstance(artist, Collection):
        return max(len(artist.get_paths()), len(np.asarray(artist.get_offsets())))
    return len(np.asarray(artist.get_xdata())) if isinstance(artist, Line2D) else 0
