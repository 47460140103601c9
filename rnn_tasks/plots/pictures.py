"""Pictures with the answers of a classifier."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from rnn_tasks.plots.canvas import INK, drawable, new_figure

COLUMNS = 6
INCHES = 1.35


def captioned_pictures(pictures: np.ndarray, captions: Sequence[str]) -> Figure:
    """Grey pictures in a grid, each with its caption above.

    Args:
        pictures: (pictures, height, width), 0 is black and 255 white.
        captions: as many; a line end within one is kept.

    Returns:
        A figure; without pictures it says so.

    Raises:
        ValueError: not as many captions as pictures.
    """
    if len(pictures) != len(captions):
        raise ValueError(f"{len(captions)} captions for {len(pictures)} pictures")
    columns = min(COLUMNS, max(len(pictures), 1))
    rows = -(-max(len(pictures), 1) // columns)
    figure = new_figure(width=INCHES * columns + 0.3, height=(INCHES + 0.35) * rows + 0.2)
    if not len(pictures):
        figure.text(0.5, 0.5, "none", ha="center", va="center", color=INK)
    for number, (picture, caption) in enumerate(zip(pictures, captions, strict=True), 1):
        axes = figure.add_subplot(rows, columns, number)
        axes.imshow(picture, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
        axes.set_title("\n".join(map(drawable, caption.split("\n"))), fontsize=8, color=INK, parse_math=False)
        axes.set_axis_off()
    return figure
