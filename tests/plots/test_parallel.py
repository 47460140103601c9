"""Parallel coordinates: where values stand, and which line is the darkest."""

import numpy as np
import pytest

from rnn_tasks import plots


def drawn(figure):
    (axes,) = figure.axes
    lines = [line for line in axes.lines if len(line.get_xdata()) > 2]
    texts = {text.get_text(): text.get_position()[1] for text in axes.texts}
    return lines, texts


def test_values_stand_in_proportion_and_names_in_places_of_their_own():
    rows = [
        {"model.units": units, "rate": rate, "cell": cell, "val_loss": loss}
        for units, rate, cell, loss in ((8, 0.001, "lstm", 0.35), (16, 0.01, "gru", 0.15), (32, 0.1, "lstm", 0.25))
    ]
    lines, texts = drawn(plots.parallel_coordinates(rows, "val_loss", ["rate"], higher_is_better=False))
    assert len(lines) == 3 * 3
    assert {"units", "rate", "cell", "val_loss"} <= texts.keys()
    assert [texts[label] for label in ("8", "16", "32")] == pytest.approx([0, 8 / 24, 1])
    assert [texts[label] for label in ("0.001", "0.01", "0.1")] == pytest.approx([0, 0.5, 1])
    assert (texts["gru"], texts["lstm"]) == (0.25, 0.75)
    assert (texts["0.35"], texts["0.25"]) == pytest.approx((1, 0.5))
    best = lines[-1]  # drawn last, on top, darkest
    assert best.get_ydata()[-1] == pytest.approx(0)
    brightness = {line.get_ydata()[-1]: np.mean(line.get_color()[:3]) for line in lines[2::3]}
    assert min(brightness, key=brightness.get) == pytest.approx(0)


def test_equal_values_and_switches_have_a_place():
    lines, texts = drawn(plots.parallel_coordinates([{"on": True, "score": 0.5}, {"on": False, "score": 0.5}], "score"))
    assert (texts["False"], texts["True"], texts["0.5"]) == (0.25, 0.75, 0.5)
    assert len(lines) == 2
