"""Many settings beside their results, one line for each."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from rnn_tasks.plots.canvas import FAINT, INK, drawable, new_figure

TICKS = 5
CURVE = 40  # points between two axes


def parallel_coordinates(
    rows: Sequence[Mapping[str, Any]], result: str, logarithmic: Sequence[str] = (), higher_is_better: bool = True
) -> Figure:
    """A vertical axis for each setting and one for the result; a line for each row, the darker the better.

    Args:
        rows: name -> value, the same names in each row; every value that is not a number gets its own place.
        result: name of the last axis, with numbers; it colours the lines.
        logarithmic: names of positive numbers whose axis is logarithmic.
        higher_is_better: of the result.
    """
    names = [*(name for name in rows[0] if name != result), result]
    scales = [_Scale([row[name] for row in rows], name in logarithmic) for name in names]
    figure = new_figure(width=2.0 * len(names) + 1.5, height=4.4)
    axes = figure.add_subplot()
    colours = ScalarMappable(Normalize(0, 1), "viridis_r" if higher_is_better else "viridis")
    across = np.linspace(0, 1, CURVE)
    for row in sorted(rows, key=lambda row: row[result], reverse=not higher_is_better):  # the best on top
        heights = [scale.height(row[name]) for scale, name in zip(scales, names, strict=True)]
        for number, (left, right) in enumerate(itertools.pairwise(heights)):
            smooth = across**2 * (3 - 2 * across)
            colour = colours.cmap(heights[-1])
            axes.plot(number + across, left + (right - left) * smooth, color=colour, linewidth=1.6, alpha=0.85)
    for number, (name, scale) in enumerate(zip(names, scales, strict=True)):
        _axis(axes, number, name, scale, last=number == len(names) - 1)
    axes.set_xlim(-0.35, len(names) - 0.5)
    axes.set_axis_off()
    return figure


class _Scale:
    """The places of values between 0 and 1."""

    def __init__(self, values: Sequence[Any], logarithmic: bool):
        self.named = not all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values)
        self.logarithmic = logarithmic
        self.known: list[Any] = sorted({str(value) for value in values} if self.named else set(values))

    def height(self, value: Any) -> float:
        if self.named:
            return (self.known.index(str(value)) + 0.5) / len(self.known)
        low, high, value = (np.log(v) if self.logarithmic else v for v in (self.known[0], self.known[-1], value))
        return float((value - low) / (high - low)) if high > low else 0.5

    def ticks(self) -> list[tuple[float, str]]:
        if self.named or len(self.known) <= TICKS:
            return [(self.height(value), str(value) if self.named else f"{value:.4g}") for value in self.known]
        space = np.geomspace if self.logarithmic else np.linspace
        return [(self.height(value), f"{value:.3g}") for value in space(self.known[0], self.known[-1], TICKS)]


def _axis(axes: Axes, place: int, name: str, scale: _Scale, last: bool) -> None:
    axes.plot([place, place], [0, 1], color=INK, linewidth=1.0, zorder=3)
    *_, title = name.split(".")
    axes.text(
        place, 1.05, drawable(title), ha="center", va="bottom", color=INK, fontsize=10, weight="bold" * last or None
    )
    for height, label in scale.ticks():
        axes.plot([place - 0.02, place], [height, height], color=INK, linewidth=1.0, zorder=3)
        box = {"facecolor": "white", "edgecolor": FAINT, "alpha": 0.8, "pad": 1.0, "linewidth": 0.4}
        text = drawable(label)
        axes.text(place - 0.04, height, text, ha="right", va="center", color=INK, fontsize=8, zorder=4, bbox=box)
