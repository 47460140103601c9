"""Figures on long lags show what they are given."""

import numpy as np

from rnn_tasks import plots


def test_gradients_are_drawn_as_shares_and_names_stand_once():
    curves = {"lstm": [2.0, 1.0, 0.5], "gru": [4.0, 4.0, 40.0], "none": [0.0, 0.0, 0.0]}
    figure = plots.gradient_reach({"before": curves, "after": {"gru": [1.0, 0.0, 1e-20]}}, counts=(1, 2))
    before, after = figure.axes
    shown = {line.get_label(): line.get_ydata() for line in before.lines}
    np.testing.assert_allclose(shown["lstm"], [1, 0.5, 0.25])
    np.testing.assert_allclose(shown["gru"], [1, 1, 10])
    np.testing.assert_allclose(after.lines[0].get_ydata(), [1, 1e-12, 1e-12])  # what a logarithmic axis can show
    assert after.lines[0].get_color() == before.lines[1].get_color()
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [*curves, "last element that counts"]
    assert [(span.get_x(), span.get_width()) for axes in figure.axes for span in axes.patches] == [(1, 1)] * 2
    assert before.get_yscale() == after.get_yscale() == "log"


def test_errors_and_successes():
    errors = plots.error_by_sequences({"lstm": [(10, 0.5), (20, 0.01)]}, baseline=0.75)
    lines = errors.axes[0].lines
    assert lines[0].get_xydata().tolist() == [[10, 0.5], [20, 0.01]]
    assert lines[1].get_ydata()[0] == 0.75
    success = plots.success_by_length({"lstm": [(25, 1.0), (50, 0.2)], "irnn": [(25, 0.0)]})
    assert [line.get_xydata().tolist() for line in success.axes[0].lines] == [[[25, 1], [50, 0.2]], [[25, 0]]]
    assert [label.get_text() for label in success.axes[0].get_xticklabels()] == ["25", "50"]
