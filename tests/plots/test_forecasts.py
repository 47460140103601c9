"""Figures of forecasts: what is drawn is what was given."""

import numpy as np
import pytest

from rnn_tasks import plots
from rnn_tasks.plots import ForecastPanel


def panel(dates=False, horizon=4, levels=3):
    steps = np.arange(10 + horizon)
    axis = np.datetime64("2001-01-01") + steps if dates else steps
    forecast = np.linspace(1, 2, horizon)
    quantiles = forecast[:, None] + np.linspace(-1, 1, levels)
    return ForecastPanel(
        title="x from $1",
        steps=axis,
        truth=np.sin(steps),
        ahead=axis[10:],
        forecast=forecast,
        quantiles=quantiles,
        others={"naive": np.zeros(horizon)},
    )


@pytest.mark.parametrize("dates", [False, True])
@pytest.mark.parametrize("levels", [0, 3, 5])
@pytest.mark.parametrize("horizon", [1, 4])
def test_a_forecast_with_its_intervals(dates, levels, horizon, tmp_path):
    figure = plots.forecasts([panel(dates, horizon, levels)] * 2, "90 % interval")
    assert len(figure.axes) == 2
    axes = figure.axes[0]
    lines = {line.get_label(): line for line in axes.get_lines()}
    np.testing.assert_allclose(lines["forecast"].get_ydata(), np.linspace(1, 2, horizon))
    np.testing.assert_allclose(lines["truth"].get_ydata(), np.sin(np.arange(10 + horizon)))
    np.testing.assert_array_equal(lines["naive"].get_ydata(), np.zeros(horizon))
    assert len(axes.collections) == levels // 2
    assert plots.save_figure(figure, tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


def test_errors_by_horizon_start_at_nothing():
    (axes,) = plots.error_by_horizon({"ours": np.array([1.0, 2.0]), "naive": np.array([2.0, 3.0])}, "MASE").axes
    assert axes.get_ylim()[0] == 0
    np.testing.assert_array_equal(axes.get_lines()[0].get_xdata(), [1, 2])
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["ours", "naive"]


def test_residuals_over_time_and_as_counts():
    errors = np.random.default_rng(1).normal(size=100)
    over_time, counts = plots.residuals(np.datetime64("2001-01-01") + np.arange(100), errors, "x").axes
    np.testing.assert_array_equal(over_time.get_lines()[0].get_ydata(), errors)
    assert sum(patch.get_width() for patch in counts.patches) == 100


def test_a_continuation_begins_where_its_seed_ends():
    figure = plots.continuation(np.zeros((5, 2)), np.ones((7, 2)), ["a", "b"])
    for axes in figure.axes:
        seed, written = axes.get_lines()[:2]
        np.testing.assert_array_equal(seed.get_xdata(), np.arange(-5, 0))
        np.testing.assert_array_equal(written.get_xdata(), np.arange(7))
