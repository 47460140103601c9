"""Effects of long lags: gradients against distance, errors against sequences seen, success against length."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FormatStrFormatter, LogLocator, MaxNLocator, NullLocator

from rnn_tasks.plots.canvas import COLOURS, bare, new_figure

SMALLEST = 1e-12
DASHES = ("-", "--", ":")


def gradient_reach(
    panels: Mapping[str, Mapping[str, npt.ArrayLike]], counts: tuple[float, float] | None = None
) -> Figure:
    """How much of a gradient is left so many steps back, on a logarithmic axis: it vanishes below 1 and explodes above.

    Args:
        panels: title -> name of a curve -> its norms at the distances 0, 1, … from the end, drawn as shares of the
            first. A curve keeps its colour in all panels.
        counts: smallest and largest distance of the last relevant element; this range is shaded.
    """
    figure = new_figure(width=5.4 * len(panels), height=4.0)
    names = list(dict.fromkeys(name for curves in panels.values() for name in curves))
    first: Axes | None = None
    for number, (title, curves) in enumerate(panels.items(), 1):
        axes = bare(figure.add_subplot(1, len(panels), number, sharey=first))
        first = first or axes
        for name, norms in curves.items():
            norms = np.asarray(norms, np.float64)
            shares = np.maximum(norms / max(norms[0], np.finfo(float).tiny), SMALLEST)
            axes.plot(np.arange(len(shares)), shares, **_style(names.index(name)), label=name)
        if counts:
            axes.axvspan(*counts, color="#e8e8e8", zorder=0, label="last element that counts")
        axes.set_title(title, fontsize=10)
        axes.set_yscale("log")
        axes.set_xlabel("steps before the end")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        if number == 1:
            axes.set_ylabel("gradient norm, share of that at the end")
    _legend(figure)
    return figure


def error_by_sequences(curves: Mapping[str, Sequence[tuple[int, float]]], baseline: float) -> Figure:
    """The error on validation against the training sequences seen, on a logarithmic axis.

    Args:
        curves: name -> (sequences, error), rising in sequences.
        baseline: the error of the best constant answer, a dashed line.
    """
    figure = new_figure(width=6.2, height=4.0)
    axes = bare(figure.add_subplot())
    for number, (name, points) in enumerate(curves.items()):
        axes.plot(*zip(*points, strict=True), **_style(number), label=name)
    axes.axhline(baseline, color="#777777", linestyle="--", linewidth=1.0, label="best constant answer")
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(FormatStrFormatter("%g"))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set_xlabel("training sequences seen")
    axes.set_ylabel("error on validation")
    _legend(figure)
    return figure


def success_by_length(curves: Mapping[str, Sequence[tuple[int, float]]]) -> Figure:
    """The share of right answers against the length of sequences, on a logarithmic axis of lengths.

    Args:
        curves: name -> (length, share), rising in length.
    """
    figure = new_figure(width=6.2, height=4.0)
    axes = bare(figure.add_subplot())
    for number, (name, points) in enumerate(curves.items()):
        axes.plot(*zip(*points, strict=True), **_style(number), marker="o", markersize=4, label=name)
    lengths = sorted({length for points in curves.values() for length, _ in points})
    axes.set_xscale("log")
    axes.set_xticks(lengths, [f"{length:,}" for length in lengths])
    axes.minorticks_off()
    axes.set_ylim(-0.02, 1.05)
    axes.set_xlabel("length of sequences")
    axes.set_ylabel("share of right answers")
    _legend(figure)
    return figure


def _style(number: int) -> dict[str, Any]:
    return {"color": COLOURS[number % len(COLOURS)], "linestyle": DASHES[number // len(COLOURS)], "linewidth": 1.5}


def _legend(figure: Figure) -> None:
    """One legend of all panels below them, a name once."""
    handles: dict[str, Any] = {}
    for axes in figure.axes:
        for handle, name in zip(*axes.get_legend_handles_labels(), strict=True):
            handles.setdefault(name, handle)
    figure.legend([*handles.values()], [*handles], frameon=False, loc="outside lower center", ncols=4, fontsize=8)
