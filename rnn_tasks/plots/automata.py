"""A formal language as the graph of its automaton."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyArrowPatch

from rnn_tasks.grammar import Automaton
from rnn_tasks.plots.canvas import COLOURS, INK, new_figure

RADIUS = 0.22


def automaton_graph(language: Automaton, title: str = "") -> Figure:
    """States as circles, from the start at the left to the end at the right; arcs as arrows with their symbols.

    The column of a state is the smallest number of symbols that lead to it. Arcs between the same two states share an
    arrow.
    """
    places = _places(language)
    wide, high = np.ptp(list(places.values()), axis=0)
    figure = new_figure(min(2.0 + 1.1 * wide, 40), min(1.8 + 1.1 * high, 30))
    axes = figure.add_subplot()
    axes.set_axis_off()
    axes.set_aspect("equal")
    axes.set_title(title, color=INK)
    between: dict[tuple[int, int], str] = defaultdict(str)
    for one, symbol, to in language.arcs:
        between[one, to] += symbol if not between[one, to] else f", {symbol}"
    for (one, to), symbols in between.items():
        _arrow(axes, places[one], places[to], symbols, bent=(to, one) in between or _passes_a_state(one, to, places))
    for state, place in places.items():
        marked = state in (language.start, language.end)
        axes.add_patch(Circle(place, RADIUS, facecolor="white", edgecolor=COLOURS[0] if marked else INK, linewidth=1.5))
        axes.annotate(str(state), place, ha="center", va="center", color=INK, fontsize=9)
    axes.set_xlim(-0.8, wide + 0.8)
    (low, top) = (min(y for _, y in places.values()), max(y for _, y in places.values()))
    axes.set_ylim(low - 0.9, top + 0.9)
    return figure


def _places(language: Automaton) -> dict[int, tuple[float, float]]:
    """State -> (column, row)."""
    columns = [[language.start]]
    seen = {language.start}
    while columns[-1]:
        following = dict.fromkeys(to for state in columns[-1] for one, _, to in language.arcs if one == state)
        columns.append([state for state in following if state not in seen])
        seen |= following.keys()
    return {
        state: (float(x), 1.2 * (len(column) - 1) / 2 - 1.2 * row)
        for x, column in enumerate(columns)
        for row, state in enumerate(column)
    }


def _passes_a_state(one: int, to: int, places: dict[int, tuple[float, float]]) -> bool:
    """Whether a straight arrow would run through another state."""
    start, end = np.array(places[one]), np.array(places[to])
    length = float(np.hypot(*(end - start)))
    for state, place in places.items():
        if state not in (one, to) and length > 0:
            along = float(np.dot(np.array(place) - start, end - start)) / length**2
            if 0 < along < 1 and np.hypot(*(start + along * (end - start) - place)) < 1.5 * RADIUS:
                return True
    return False


def _arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float], symbols: str, bent: bool) -> None:
    style: dict[str, Any] = {"arrowstyle": "-|>", "mutation_scale": 12, "color": INK, "linewidth": 1.2}
    if start == end:
        x, y = start
        loop = FancyArrowPatch(
            (x - 0.12, y + RADIUS * 0.8), (x + 0.12, y + RADIUS * 0.8), connectionstyle="arc3,rad=-2.2", **style
        )
        axes.add_patch(loop)
        axes.annotate(symbols, (x, y + 0.62), ha="center", va="center", color=COLOURS[1])
        return
    curve = 0.3 if bent else 0.0
    axes.add_patch(FancyArrowPatch(start, end, shrinkA=14, shrinkB=14, connectionstyle=f"arc3,rad={curve}", **style))
    (x0, y0), (x1, y1) = start, end
    side = np.array([y1 - y0, x0 - x1]) / np.hypot(x1 - x0, y1 - y0)
    x, y = np.array([(x0 + x1) / 2, (y0 + y1) / 2]) + side * (0.5 * curve * np.hypot(x1 - x0, y1 - y0) + 0.14)
    axes.annotate(symbols, (x, y), ha="center", va="center", color=COLOURS[1])
