"""Matrices as pictures: the attention of a decoder, and the confusions of a classifier."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rnn_tasks.plots.canvas import INK, drawable, new_figure

COLOUR_MAP = "Blues"
INCHES_A_TOKEN = 0.3
INCHES_A_LETTER = 0.085
MOST_INCHES = 20.0
MOST_CLASSES_WITH_COUNTS = 20


def attention_map(alignment: np.ndarray, source_tokens: Sequence[str], target_tokens: Sequence[str]) -> Figure:
    """Where the decoder looked in the source (across) while it wrote the target (down).

    Args:
        alignment: (target_time, source_time) attention weights, 0 to 1.
        source_tokens: source_time tokens.
        target_tokens: target_time tokens.

    Returns:
        A figure that grows with the sentences.

    Raises:
        ValueError: the alignment's shape is not that of the tokens.
    """
    alignment = np.asarray(alignment)
    if alignment.shape != (len(target_tokens), len(source_tokens)) or not alignment.size:
        raise ValueError(
            f"alignment {alignment.shape} for {len(target_tokens)} target, {len(source_tokens)} source tokens"
        )
    figure, axes = _matrix(alignment, source_tokens, target_tokens, highest=1.0)
    axes.xaxis.tick_top()
    height = figure.get_figheight()
    colour_bar = figure.colorbar(axes.images[0], ax=axes, shrink=min(1.0, 2.5 / height), aspect=15, ticks=[0, 0.5, 1])
    colour_bar.outline.set_visible(False)
    colour_bar.set_label("attention weight", color=INK)
    colour_bar.ax.tick_params(colors=INK, length=0)
    return figure


def confusion(matrix: np.ndarray, labels: Sequence[str]) -> Figure:
    """Counts of predicted classes (across) for each true class (down), shaded by the share of the true class.

    Args:
        matrix: (classes, classes) counts; rows are true classes.
        labels: the classes' names.

    Returns:
        A figure; counts stand in the cells up to 20 classes.

    Raises:
        ValueError: the numbers of rows, columns and labels differ.
    """
    matrix = np.asarray(matrix)
    if matrix.shape != (len(labels), len(labels)):
        raise ValueError(f"a confusion matrix of shape {matrix.shape} for {len(labels)} labels")
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    figure, axes = _matrix(shares, labels, labels, highest=1.0, inches=0.62 if len(labels) <= 10 else 0.45)
    axes.set_xlabel("predicted", color=INK)
    axes.set_ylabel("true", color=INK)
    if len(labels) <= MOST_CLASSES_WITH_COUNTS:
        for (row, column), count in np.ndenumerate(matrix):
            colour = "white" if shares[row, column] > 0.55 else INK
            axes.text(column, row, f"{count}", ha="center", va="center", color=colour, fontsize=9 if count < 1e4 else 7)
    return figure


def _matrix(
    values: np.ndarray, columns: Sequence[str], rows: Sequence[str], highest: float, inches: float = INCHES_A_TOKEN
) -> tuple[Figure, Axes]:
    height, width = values.shape
    cell = min(inches, MOST_INCHES / max(height, width))
    figure = new_figure(width=max(cell * width + 2.2, 3), height=max(cell * height + 1.4, 2.4), layout="compressed")
    axes = figure.add_subplot()
    axes.imshow(values, cmap=COLOUR_MAP, vmin=0.0, vmax=highest, aspect="equal", interpolation="nearest")
    # parse_math off: a token may be a dollar sign. Letters shrink with cells that had to shrink.
    text = {"parse_math": False, "fontsize": 9 * min(1.0, cell / INCHES_A_TOKEN), "color": INK}
    axes.set_xticks(range(width), [drawable(token) for token in columns], **text)
    axes.set_yticks(range(height), [drawable(token) for token in rows], **text)
    axes.tick_params(length=0)
    if max(map(len, columns)) * INCHES_A_LETTER > cell:
        axes.tick_params(axis="x", labelrotation=90)
    axes.spines[:].set_visible(False)
    # White lines between the cells, as long as these are wide enough to stay visible.
    if cell > 0.15:
        axes.set_xticks(np.arange(0.5, width - 1), minor=True)
        axes.set_yticks(np.arange(0.5, height - 1), minor=True)
        axes.grid(which="minor", color="white", linewidth=1)
        axes.tick_params(which="minor", length=0)
    return figure, axes
