"""Scores of parts of the test split."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from rnn_tasks.plots.canvas import COLOURS, INK, bare, drawable, new_figure


def score_by_group(rows: Sequence[Sequence[Any]], group: str, scores: Sequence[str]) -> Figure:
    """A bar for each group and score, with its value and the number of examples.

    Args:
        rows: (name of the group, examples in it, a value for each score).
        group: what the groups are, below the axis.
        scores: their names; with several, side by side, a legend tells them apart.
    """
    figure = new_figure(width=max(0.55 * len(rows) * (1 + len(scores)) + 1.5, 4), height=3.4)
    axes = bare(figure.add_subplot())
    width = 0.7 / len(scores)
    places = np.arange(len(rows))
    for number, name in enumerate(scores):
        values = [row[2 + number] for row in rows]
        offset = (number - (len(scores) - 1) / 2) * width
        bars = axes.bar(places + offset, values, color=COLOURS[number % len(COLOURS)], width=width, label=name)
        axes.bar_label(bars, [f"{value:.3g}" for value in values], padding=2, color=INK, fontsize=8)
    axes.set_xticks(places, [f"{drawable(str(row[0]))}\nn = {row[1]:,}" for row in rows])
    axes.tick_params(axis="x", length=0)
    axes.set_xlabel(group)
    if len(scores) == 1:
        axes.set_ylabel(scores[0])
    else:
        axes.legend(frameon=False, loc="lower right")
    middle, half_width = (len(rows) - 1) / 2, max(len(rows) / 2 + 0.1, 1.5)  # a lone bar does not fill the page
    axes.set_xlim(middle - half_width, middle + half_width)
    highest = max([value for row in rows for value in row[2:]], default=0.0)
    axes.set_ylim(0, (highest if highest > 0 else 1.0) * 1.12)
    return figure
