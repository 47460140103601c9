"""Gates and states along a sequence, as pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from rnn_tasks.plots.canvas import INK, drawable, new_figure

INCHES_A_STEP = 0.24
MOST_INCHES = 20.0


def gates_along(activations: Mapping[str, np.ndarray], tokens: Sequence[str], title: str = "") -> Figure:
    """A panel for each gate and state: units (down) while the tokens (across) are read.

    Args:
        activations: name -> (time, units). A name that ends in "gate" runs from 0 to 1, in blues; any other is a state,
            from blue (negative) over white (0) to red (positive).
        tokens: (time,) tokens.
        title: above all panels.

    Raises:
        ValueError: the number of rows of activations is not the number of tokens.
    """
    wrong = {name: len(values) for name, values in activations.items() if len(values) != len(tokens)}
    if wrong or not activations or not tokens:
        raise ValueError(f"activations of {wrong or len(activations)} steps for {len(tokens)} tokens")
    width = min(INCHES_A_STEP * len(tokens), MOST_INCHES) + 1.8
    figure = new_figure(width=max(width, 4), height=1.5 * len(activations) + 0.8)
    axes = figure.subplots(len(activations), sharex=True, squeeze=False)[:, 0]
    for panel, (name, values) in zip(axes, activations.items(), strict=True):
        is_gate = name.endswith("gate")
        highest = 1.0 if is_gate else max(1.0, float(np.abs(values).max()))
        image = panel.imshow(
            values.T,
            cmap="Blues" if is_gate else "RdBu_r",
            vmin=0.0 if is_gate else -highest,
            vmax=highest,
            aspect="auto",
            interpolation="nearest",
        )
        panel.set_ylabel(name, color=INK)
        panel.yaxis.set_major_locator(MaxNLocator(nbins=3, integer=True))
        panel.tick_params(colors=INK, length=0)
        panel.spines[:].set_visible(False)
        figure.colorbar(image, ax=panel, aspect=12, pad=0.01).outline.set_visible(False)
    size = 9 * min(1.0, MOST_INCHES / (INCHES_A_STEP * len(tokens)))
    axes[-1].set_xticks(range(len(tokens)), [drawable(token) for token in tokens], parse_math=False, fontsize=size)
    if max(map(len, tokens)) > 2:
        axes[-1].tick_params(axis="x", labelrotation=90)
    if title:
        figure.suptitle(title, color=INK, fontsize=11, parse_math=False)
    return figure
