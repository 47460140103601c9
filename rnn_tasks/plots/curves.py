"""Curves of training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, MaxNLocator

from rnn_tasks.plots.canvas import COLOURS, INK, bare, new_figure

VALIDATION = "val_"


def learning_curves(history: Sequence[Mapping[str, float]], examples: int = 0) -> Figure:
    """Loss and every validated metric against the epoch, one panel for each.

    Args:
        history: one mapping of metrics an epoch. `epoch` counts from 1 and may be left out; a metric may be missing
            in some epochs. `loss` is drawn, and so is every metric with a `val_` value, together with its training
            value.
        examples: of an epoch; each panel shows the number of examples seen above it.

    Returns:
        A figure with a panel a metric, side by side up to three.

    Raises:
        ValueError: no epoch has a loss or a validation metric.
    """
    keys = list(dict.fromkeys(key for row in history for key in row))
    metrics = sorted({key.removeprefix(VALIDATION) for key in keys if key == "loss" or key.startswith(VALIDATION)})
    if not metrics:
        raise ValueError(
            f"nothing to draw in a history of {len(history)} epochs with {', '.join(keys) or 'no metrics'}"
        )
    metrics.sort(key=lambda name: name != "loss")  # the loss comes first
    columns = min(len(metrics), 3)
    rows = -(-len(metrics) // columns)
    figure = new_figure(width=max(4.2 * columns, 5), height=3.2 * rows)
    first = None
    for index, metric in enumerate(metrics, 1):
        axes = figure.add_subplot(rows, columns, index, sharex=first)
        _panel(axes, history, metric)
        if examples:
            above = axes.secondary_xaxis("top", (partial(np.multiply, examples), partial(np.multiply, 1 / examples)))
            above.set_xlabel("examples seen", fontsize=9)
            above.xaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
            above.xaxis.set_major_formatter(EngFormatter(sep=""))
            above.tick_params(colors=INK)
            above.spines[:].set_visible(False)
        first = first or axes
    return figure


def _panel(axes: Axes, history: Sequence[Mapping[str, float]], metric: str) -> None:
    bare(axes)
    kinds = (("training", metric, COLOURS[1]), ("validation", VALIDATION + metric, COLOURS[0]))
    for label, key, colour in kinds:
        points = [(row.get("epoch", number), row[key]) for number, row in enumerate(history, 1) if key in row]
        if points:
            marker = "o" if len(points) <= 30 else ""
            axes.plot(*zip(*points, strict=True), color=colour, marker=marker, markersize=3.5, label=label)
    axes.set_xlabel("epoch")
    axes.set_ylabel(metric.replace("_", " "))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.legend(frameon=False)


def score_while_reading(points: Sequence[tuple[int, float]], score: str, levels: Mapping[str, float]) -> Figure:
    """A score against the number of steps that were read of each sequence.

    Args:
        points: (steps read, score), rising.
        score: its name.
        levels: name -> score of a method that reads everything, or nothing; drawn as dashed lines.
    """
    figure = new_figure(width=5.6, height=3.6)
    axes = bare(figure.add_subplot())
    marker = "o" if len(points) <= 40 else ""
    axes.plot(*zip(*points, strict=True), color=COLOURS[0], marker=marker, markersize=3.5)
    for number, (name, level) in enumerate(levels.items(), 1):
        axes.axhline(level, color=COLOURS[number % len(COLOURS)], linestyle="--", linewidth=1.2, label=name)
    axes.set_xlabel("steps read")
    axes.set_ylabel(score)
    axes.set_ylim(0, 1.02 if max(value for _, value in points) <= 1 else None)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    if levels:
        figure.legend(frameon=False, loc="outside upper center", ncols=len(levels))
    return figure
