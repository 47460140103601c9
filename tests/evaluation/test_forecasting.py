"""Errors of forecasts against hand-made numbers, and classical methods on series that they forecast exactly."""

from statistics import NormalDist

import numpy as np
import pytest

from rnn_tasks import evaluation
from rnn_tasks.evaluation import Forecasts


def test_errors_by_hand():
    truth = np.array([[[10.0], [20.0]], [[30.0], [40.0]]])
    forecast = np.array([[[12.0], [16.0]], [[30.0], [48.0]]])
    seen = np.ones(truth.shape, bool)
    found = Forecasts(truth, seen, np.array([2.0])).errors(forecast)
    assert found["mae"] == pytest.approx((2 + 4 + 0 + 8) / 4)
    assert found["mse"] == pytest.approx((4 + 16 + 0 + 64) / 4)
    assert found["rmse"] == pytest.approx(21**0.5)
    assert found["mase"] == pytest.approx(3.5 / 2)
    assert found["smape"] == pytest.approx(100 * np.mean([4 / 22, 8 / 36, 0, 16 / 88]))
    np.testing.assert_allclose(Forecasts(truth, seen, np.array([2.0])).by_step(forecast), [0.5, 3.0])


def test_what_was_not_observed_is_not_scored():
    truth, forecast = np.zeros((1, 2, 1)), np.array([[[1.0], [100.0]]])
    seen = np.array([[[True], [False]]])
    forecasts = Forecasts(truth, seen, np.array([1.0]))
    assert forecasts.errors(forecast)["mae"] == 1.0
    np.testing.assert_array_equal(forecasts.by_step(forecast), [1.0, np.nan])


def test_targets_have_scales_of_their_own():
    truth = np.zeros((3, 1, 2))
    forecast = np.broadcast_to([1.0, 100.0], truth.shape)
    forecasts = Forecasts(truth, np.ones(truth.shape, bool), np.array([1.0, 50.0]))
    assert forecasts.errors(forecast)["mase"] == pytest.approx(1.5)
    assert forecasts.of_targets([1]).errors(forecast[..., [1]])["mase"] == pytest.approx(2.0)


def test_quantiles_of_the_true_distribution():
    """Of a standard normal, the mean CRPS of its own distribution is 1 / sqrt(pi)."""
    levels = np.arange(1, 200) / 200
    quantiles = np.array([NormalDist().inv_cdf(level) for level in levels])
    truth = np.random.default_rng(1).normal(size=(20_000, 1, 1))
    forecasts = Forecasts(truth, np.ones(truth.shape, bool), np.ones(1))
    found = forecasts.spread(np.broadcast_to(quantiles, (*truth.shape, len(levels))), levels)
    assert found["crps"] == pytest.approx(1 / np.sqrt(np.pi), rel=0.02)
    assert found["coverage"] == pytest.approx(0.99, abs=0.003)
    of_five = forecasts.spread(
        np.broadcast_to(quantiles[[9, 49, 99, 149, 189]], (20_000, 1, 1, 5)), levels[[9, 49, 99, 149, 189]]
    )
    assert of_five["coverage"] == pytest.approx(0.90, abs=0.01)


def test_pinball_by_hand():
    found = evaluation.pinball(np.array([[1.0, 3.0]]), np.array([2.0]), (0.1, 0.9))
    np.testing.assert_allclose(found, [[0.1 * 1, 0.1 * 1]])
    found = evaluation.pinball(np.array([[1.0, 3.0]]), np.array([5.0]), (0.1, 0.9))
    np.testing.assert_allclose(found, [[0.1 * 4, 0.9 * 2]])


def test_naive_forecasts_repeat():
    history = np.arange(12.0).reshape(1, 12, 1)
    np.testing.assert_array_equal(evaluation.naive_forecasts(history, 3, 1)[0, :, 0], [11, 11, 11])
    np.testing.assert_array_equal(evaluation.naive_forecasts(history, 5, 3)[0, :, 0], [9, 10, 11, 9, 10])


@pytest.mark.parametrize("season", [7, 48])
@pytest.mark.parametrize("method", [evaluation.ets_forecasts, evaluation.arima_forecasts])
def test_classical_methods_continue_a_season_with_little_noise(method, season):
    rng = np.random.default_rng(2)
    clean = 1e6 + 1e5 * np.sin(2 * np.pi * np.arange(700) / season)
    series = clean + 1e3 * rng.normal(size=700)
    origins = [520, 600, 660]
    found = method(series, 500, origins, 10, season)
    expected = np.stack([clean[origin : origin + 10] for origin in origins])
    assert found.shape == (3, 10)
    assert np.abs(found - expected).mean() < 3e3


@pytest.mark.parametrize("method", [evaluation.ets_forecasts, evaluation.arima_forecasts])
def test_classical_methods_know_nothing_of_what_is_behind_the_origin(method):
    series = np.random.default_rng(3).normal(size=300).cumsum()
    other = series.copy()
    other[250:] = 99
    for one in (series, other):
        found = method(one, 200, [250], 5, 1)
        np.testing.assert_array_equal(found, method(series, 200, [250], 5, 1))


@pytest.mark.parametrize(
    ("method", "steps"), [(evaluation.ets_forecasts, 9), (evaluation.ets_forecasts, 2), (evaluation.arima_forecasts, 2)]
)
def test_a_series_that_a_method_cannot_follow_is_told(method, steps):
    with pytest.raises(evaluation.NotFitted) as error:
        method(np.random.default_rng(1).normal(size=20), steps, [15], 2, 1)
    assert "\n" not in str(error.value)
