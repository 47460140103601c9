"""The common parts of all figures: colours, bare axes, words that every font can draw, and saving."""

from __future__ import annotations

import functools
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from matplotlib.axes import Axes
from matplotlib.colors import hsv_to_rgb, to_hex
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font

from rnn_tasks import activity
from rnn_tasks.files import write_whole

# Distinct under every common colour blindness (Okabe & Ito 2008), in an order that keeps neighbours distinct in grey.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
INK = "#333333"
OTHER, OTHER_COLOUR = "other", "#8C8C8C"
"""The group of items without a group."""
FAINT = "#DDDDDD"
JOINER = "￭"  # the tokeniser's mark for "no space here"; few fonts have it
MISSING_GLYPH = "□"


def group_colours(names: Sequence[str]) -> list[str]:
    """A colour for each group: `COLOURS`, or dark and light hues in turn if there are too few; grey for `OTHER`."""
    count = len(names) - (OTHER in names)
    hues = ((number / max(count, 1), 0.85, 0.55 + 0.25 * (number % 2)) for number in range(count))
    colours = iter(COLOURS if count <= len(COLOURS) else [to_hex(tuple(hsv_to_rgb(hue))) for hue in hues])
    return [OTHER_COLOUR if name == OTHER else next(colours) for name in names]


def new_figure(width: float, height: float, layout: Literal["constrained", "compressed"] = "constrained") -> Figure:
    """An empty figure of a size in inches whose parts make room for each other (`compressed`: square cells too)."""
    return Figure(figsize=(width, height), layout=layout, facecolor="white")


def bare(axes: Axes) -> Axes:
    """`axes` with only what carries information: the left and lower spines and faint horizontal lines."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(INK)
    axes.tick_params(colors=INK)
    axes.grid(axis="y", color=FAINT, linewidth=0.8)
    axes.set_axisbelow(True)
    return axes


def drawable(token: str) -> str:
    """A token in a form that the default font can draw: `￭` becomes `·`, `％202F` `%202F`, an unknown glyph `□`."""
    return "".join(c if _has_glyph(c) else MISSING_GLYPH for c in token.replace(JOINER, "·").replace("％", "%"))


def save_figure(figure: Figure, path: Path, dpi: int = 150) -> Path:
    """Write `figure` to `path` as a PNG of `dpi` dots per inch, whole or not at all."""
    buffer = io.BytesIO()
    with activity.doing(f"drawing {path.name}"):
        figure.savefig(buffer, format="png", dpi=dpi)
    return write_whole(path, buffer.getvalue())


@functools.cache
def _has_glyph(character: str) -> bool:
    return bool(get_font(findfont(FontProperties())).get_char_index(ord(character)))
