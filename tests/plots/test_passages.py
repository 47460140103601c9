"""Passages of text on coloured grounds."""

import numpy as np

from rnn_tasks import plots


def test_a_passage_its_title_and_its_scale_stand_within_the_figure():
    tokens = ["Some", " words", ",", " and", " more", "\n"] * 20
    panels = {"this network": np.linspace(0, 1, len(tokens)), "5-gram": np.zeros(len(tokens))}
    figure = plots.coloured_text(tokens, panels, (0, 1), "RdYlGn", "probability, before it was read")
    box, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
    assert box.x0 >= 0
    assert box.y0 >= 0
    assert box.x1 <= width
    assert box.y1 <= height
    shown = [text.get_text().rstrip() for text in figure.axes[0].texts]
    assert shown[0] == "Some words, and more↵"
