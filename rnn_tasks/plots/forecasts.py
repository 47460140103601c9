"""Forecasts beside the true values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure

from rnn_tasks.plots.canvas import COLOURS, FAINT, INK, bare, drawable, new_figure


@dataclass(frozen=True)
class ForecastPanel:
    """One series around one forecast of it.

    Attributes:
        title: of the panel.
        steps: (steps,) positions on the axis, numbers or dates.
        truth: (steps,) the true values, of the past and of the steps ahead.
        ahead: (horizon,) the last of `steps`, which are forecast.
        forecast: (horizon,).
        quantiles: (horizon, levels), rising; without levels there are no intervals.
        others: name -> (horizon,) forecasts of other methods.
    """

    title: str
    steps: np.ndarray
    truth: np.ndarray
    ahead: np.ndarray
    forecast: np.ndarray
    quantiles: np.ndarray
    others: Mapping[str, np.ndarray] = field(default_factory=dict)


def forecasts(panels: Sequence[ForecastPanel], interval: str = "") -> Figure:
    """A panel a forecast: the truth, the forecast with its intervals, and other methods.

    Args:
        panels: at least one.
        interval: name of the widest interval, for the legend.
    """
    figure = new_figure(width=9, height=2.6 * len(panels) + 0.5)
    for number, panel in enumerate(panels, 1):
        axes = bare(figure.add_subplot(len(panels), 1, number))
        _panel(axes, panel, interval)
        if number == 1:
            figure.legend(*axes.get_legend_handles_labels(), loc="outside upper center", ncols=4, frameon=False)
    return figure


def _panel(axes: Axes, panel: ForecastPanel, interval: str) -> None:
    levels = panel.quantiles.shape[1]
    for inner in range(levels // 2):
        low, high = panel.quantiles[:, inner], panel.quantiles[:, levels - 1 - inner]
        label = interval if inner == 0 else None
        axes.fill_between(panel.ahead, low, high, color=COLOURS[0], alpha=0.16, linewidth=0, label=label)
    axes.plot(panel.steps, panel.truth, color=INK, linewidth=1.3, label="truth")
    styles = ("--", ":", "-.", (0, (1, 3)))
    for number, (name, values) in enumerate(panel.others.items()):
        colour = COLOURS[1 + number % (len(COLOURS) - 1)]
        axes.plot(panel.ahead, values, color=colour, linewidth=1.0, linestyle=styles[number % len(styles)], label=name)
    marker = "o" if len(panel.ahead) == 1 else ""
    axes.plot(
        panel.ahead, panel.forecast, color=COLOURS[0], linewidth=1.8, marker=marker, markersize=4, label="forecast"
    )
    axes.axvline(panel.ahead[0], color=FAINT, linewidth=1.2, zorder=0)
    _concise(axes, panel.steps)
    axes.set_title(drawable(panel.title), loc="left", fontsize=10, color=INK, parse_math=False)


def _concise(axes: Axes, steps: np.ndarray) -> None:
    """Write dates on the axis so that they do not overlap."""
    if np.issubdtype(steps.dtype, np.datetime64):
        locator = AutoDateLocator(maxticks=7)
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))


def error_by_horizon(errors: Mapping[str, np.ndarray], name: str) -> Figure:
    """A line a method: its error at each step ahead.

    Args:
        errors: method -> (horizon,); the first is ours.
        name: of the error.
    """
    figure = new_figure(width=6.5, height=3.6)
    axes = bare(figure.add_subplot())
    for number, (method, values) in enumerate(errors.items()):
        marker = "o" if len(values) <= 30 else ""
        axes.plot(
            np.arange(1, len(values) + 1),
            values,
            color=COLOURS[number % len(COLOURS)],
            linewidth=1.8 if number == 0 else 1.1,
            marker=marker,
            markersize=3.5,
            label=method,
        )
    axes.set_xlabel("steps ahead")
    axes.set_ylabel(name)
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False)
    return figure


def residuals(steps: np.ndarray, errors: np.ndarray, name: str) -> Figure:
    """Errors one step ahead, over time and as a histogram.

    Args:
        steps: (n,) numbers or dates.
        errors: (n,) forecast minus truth.
        name: of the series.
    """
    figure = new_figure(width=9, height=3.2)
    over_time, counts = figure.subplots(1, 2, width_ratios=(2.4, 1), sharey=True)
    bare(over_time).plot(steps, errors, color=COLOURS[0], linewidth=0.9, marker=".", markersize=2.5)
    _concise(over_time, steps)
    over_time.axhline(0, color=INK, linewidth=0.8)
    over_time.set_ylabel("forecast − truth, one step ahead", color=INK)
    over_time.set_title(drawable(name), loc="left", fontsize=10, color=INK, parse_math=False)
    bare(counts).hist(errors, bins=min(40, max(5, len(errors) // 5)), orientation="horizontal", color=COLOURS[0])
    counts.axhline(float(np.mean(errors)), color=COLOURS[1], linewidth=1.2, label="mean")
    counts.set_xlabel("forecasts", color=INK)
    counts.legend(frameon=False)
    return figure


def continuation(seed: np.ndarray, written: np.ndarray, names: Sequence[str]) -> Figure:
    """The values that a network read first and then its continuation, one panel for each series.

    Args:
        seed: (steps, series).
        written: (steps, series).
        names: of the series.
    """
    figure = new_figure(width=9, height=2.4 * len(names) + 0.6)
    first, last = np.arange(-len(seed), 0), np.arange(len(written))
    for number, name in enumerate(names):
        axes = bare(figure.add_subplot(len(names), 1, number + 1))
        axes.plot(first, seed[:, number], color=INK, linewidth=1.3, label="seed")
        axes.plot(last, written[:, number], color=COLOURS[0], linewidth=1.3, label="written on")
        axes.axvline(0, color=FAINT, linewidth=1.2, zorder=0)
        axes.set_title(drawable(name), loc="left", fontsize=10, color=INK, parse_math=False)
        axes.legend(frameon=False, loc="upper left")
    axes.set_xlabel("steps")
    return figure
