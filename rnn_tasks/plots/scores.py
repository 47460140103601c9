"""Scores of parts of the test split."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from rnn_tasks.plots.canvas import COLOURS, INK, bare, new_figure

if TYPE_CHECKING:
    from rnn_tasks.evaluation import LengthBucket


def score_by_length(rows: Sequence[LengthBucket]) -> Figure:
    """BLEU against source length: a bar a bucket, with its score and how many sentences stand behind it."""
    figure = new_figure(width=max(0.9 * len(rows) + 1.5, 4), height=3.4)
    axes = bare(figure.add_subplot())
    bars = axes.bar(range(len(rows)), [row.bleu for row in rows], color=COLOURS[0], width=0.7)
    axes.bar_label(bars, [f"{row.bleu:.1f}" for row in rows], padding=2, color=INK)
    axes.set_xticks(range(len(rows)), [f"{row.label}\nn = {row.sentences:,}" for row in rows])
    axes.tick_params(axis="x", length=0)
    axes.set_xlabel("source length (tokens)")
    axes.set_ylabel("BLEU")
    middle, half_width = (len(rows) - 1) / 2, max(len(rows) / 2 + 0.1, 1.5)  # a lone bar does not fill the page
    axes.set_xlim(middle - half_width, middle + half_width)
    axes.set_ylim(0, max([row.bleu for row in rows] + [1]) * 1.12)
    return figure
