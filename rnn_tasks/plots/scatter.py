"""Word vectors on a plane, with as many words as can be read."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from rnn_tasks.plots.canvas import drawable, group_colours, new_figure

FONT_SIZE = 7.5
# Where a label may stand relative to its point: offset in typographic points, and which side of it is anchored.
PLACES = ((3, 0, "left", "center"), (-3, 0, "right", "center"), (0, 3, "center", "bottom"), (0, -3, "center", "top"))


def embedding_scatter(
    points: np.ndarray,
    labels: Sequence[str],
    groups: Sequence[str] | None = None,
    title: str = "",
) -> Figure:
    """All points, and the labels of those whose label finds a free place.

    Args:
        points: (words, 2) coordinates.
        labels: the words, most important first: earlier ones get their place first.
        groups: the words' groups, told apart by colour and named in a legend.
        title: stands above.

    Returns:
        A figure of 10 by 10 inches. No two labels overlap and none is cut off.

    Raises:
        ValueError: not as many labels or groups as points.
    """
    points = np.asarray(points, float)
    if points.shape != (len(labels), 2) or (groups is not None and len(groups) != len(labels)):
        raise ValueError(f"points of shape {points.shape} for {len(labels)} labels, {len(groups or labels)} groups")
    figure = new_figure(10, 10)
    axes = figure.add_subplot()
    axes.set_title(title, loc="left", parse_math=False)
    axes.set_axis_off()  # the coordinates of t-SNE mean nothing
    axes.margins(0.04)

    names = list(dict.fromkeys(groups or [""]))
    colour_of = dict(zip(names, group_colours(names), strict=True))
    member_of = list(groups) if groups is not None else [""] * len(labels)
    for name in names:
        chosen = points[[member == name for member in member_of]]
        axes.scatter(chosen[:, 0], chosen[:, 1], s=7, color=colour_of[name], linewidths=0, alpha=0.55, label=name)
    if groups is not None:
        axes.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False, markerscale=2.5)  # beside the points
    figure.draw_without_rendering()
    figure.set_layout_engine("none")  # labels get their places on this layout, so that it must stay
    _write_labels(figure, axes, points, labels, [colour_of[member] for member in member_of])
    return figure


def _write_labels(
    figure: Figure, axes: Axes, points: np.ndarray, labels: Sequence[str], colours: Sequence[str]
) -> None:
    renderer = FigureCanvasAgg(figure).get_renderer()  # one for all: making it is what takes the time
    legend = axes.get_legend()
    taken, count = np.empty((len(labels) + 1, 4)), 0  # rectangles: left, bottom, right, top
    if legend:
        taken[0], count = legend.get_window_extent().extents, 1
    for point, label, colour in zip(points, labels, colours, strict=True):
        text = axes.annotate(
            drawable(label),
            point,
            (0, 0),
            textcoords="offset points",
            fontsize=FONT_SIZE,
            color=colour,
            parse_math=False,
        )
        for x, y, horizontal, vertical in PLACES:
            text.xyann = x, y
            text.set(ha=horizontal, va=vertical)
            box = text.get_window_extent(renderer).padded(1)
            left, bottom, right, top = box.extents
            beside = (taken[:count, 0] >= right) | (taken[:count, 2] <= left)
            beside |= (taken[:count, 1] >= top) | (taken[:count, 3] <= bottom)
            if figure.bbox.x0 <= left and right <= figure.bbox.x1 and beside.all():
                taken[count], count = box.extents, count + 1
                break
        else:
            text.remove()
