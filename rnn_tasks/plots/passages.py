"""Figures of running text: a passage coloured by numbers, and how the loss falls within a text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from rnn_tasks.plots.canvas import COLOURS, INK, bare, drawable, new_figure

WIDTH = 96  # characters of a line
FONT = ("DejaVu Sans Mono", "DejaVu Sans")
_POINTS = 8.0
_CELL = (0.602 * _POINTS / 72, 0.19)  # inches of a character of that font, and of a line
_MARGIN = 0.3
_SCALE = 0.8  # inches below the panels, for the scale of the colours and what stands below it
_LINE_END = "↵"


def coloured_text(
    tokens: Sequence[str],
    panels: Mapping[str, ArrayLike],
    limits: tuple[float, float],
    colours: str,
    scale: str,
) -> Figure:
    """A passage, once in each panel; the background of each token has the colour of its number.

    Args:
        tokens: the text of each token; a line's end is "\\n".
        panels: title -> a number for each token.
        limits: the numbers at the two ends of the colours.
        colours: one of Matplotlib's colour maps.
        scale: name of the numbers.
    """
    places, lines = _laid_out(tokens)
    panel = (lines + 1.5) * _CELL[1]  # inches, its title included
    width, height = WIDTH * _CELL[0] + 2 * _MARGIN, len(panels) * panel + _SCALE
    figure = Figure(figsize=(width, height), facecolor="white")
    for number, (title, values) in enumerate(panels.items()):
        bottom = height - (number + 1) * panel
        box = (_MARGIN / width, bottom / height, WIDTH * _CELL[0] / width, lines * _CELL[1] / height)
        axes = figure.add_axes(box, xlim=(0, WIDTH), ylim=(lines, 0))
        axes.set_axis_off()
        axes.set_title(title, loc="left", fontsize=9, pad=2)
        ground, text = np.full((lines, WIDTH), np.nan), np.full((lines, WIDTH), " ")
        for token, (line, column), value in zip(tokens, places, np.asarray(values), strict=True):
            shown = _shown(token)[: WIDTH - column]
            ground[line, column : column + len(shown)] = value
            text[line, column : column + len(shown)] = list(shown)
        drawn = axes.imshow(
            ground, colours, vmin=limits[0], vmax=limits[1], alpha=0.6, aspect="auto", extent=(0, WIDTH, lines, 0)
        )
        for line, characters in enumerate(text):
            axes.text(0, line + 0.55, "".join(characters), va="center", family=FONT, fontsize=_POINTS, color=INK)
    bar = figure.add_axes((_MARGIN / width, (_SCALE - 0.3) / height, 0.4, 0.1 / height))
    figure.colorbar(drawn, cax=bar, orientation="horizontal").set_label(scale, fontsize=_POINTS)
    bar.tick_params(labelsize=_POINTS)
    return figure


def loss_by_position(positions: Sequence[float], losses: Mapping[str, Sequence[float]], unit: str) -> Figure:
    """Mean loss against how many tokens of a document came before, on a logarithmic scale.

    Args:
        positions: rising, from 1.
        losses: method -> mean loss at each of them.
        unit: of the losses.
    """
    figure = new_figure(width=5.6, height=3.6)
    axes = bare(figure.add_subplot())
    for colour, (name, values) in zip(COLOURS, losses.items(), strict=False):
        axes.plot(positions, values, color=colour, marker="o", markersize=3.5, label=name)
    axes.set_xscale("log")
    axes.set_xlabel("place in the document")
    axes.set_ylabel(unit)
    axes.set_ylim(0)
    axes.legend(frameon=False)
    return figure


def _shown(token: str) -> str:
    return _LINE_END if token == "\n" else drawable(token)


def _laid_out(tokens: Sequence[str]) -> tuple[list[tuple[int, int]], int]:
    """Line and column of each token, and how many lines there are."""
    places, line, column = [], 0, 0
    for token in tokens:
        length = len(_shown(token))
        if column and column + length > WIDTH:
            line, column = line + 1, 0
        places.append((line, column))
        column += length
        if token == "\n":
            line, column = line + 1, 0
    return places, line + bool(column)
