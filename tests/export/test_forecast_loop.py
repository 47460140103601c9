"""Raw series in, raw forecasts out: against NumPy, and a model whose continuation is known."""

import numpy as np
import pytest
import tensorflow as tf

from rnn_tasks.export import ForecastLoop
from rnn_tasks.series import Clock, SeriesForm


def form_of(difference=0, window=6, horizon=2, mean=3.0, deviation=2.0):
    return SeriesForm(
        source="test",
        clock=Clock(kind="steps"),
        targets=["x"],
        covariates=[],
        known=[],
        categories={},
        time_features=[],
        season=1,
        window=window,
        horizon=horizon,
        difference=difference,
        steps=100,
        validation_start=60,
        test_start=80,
        mean=[mean],
        deviation=[deviation],
        known_mean=[],
        known_deviation=[],
        scales=[1.0],
    )


def repeats(inputs, training):
    """The last two values again, with a spread of one around them: (batch, 2, 1, 3)."""
    last = inputs["inputs"][:, -2:, :1]
    return last[..., None] + tf.constant([-1.0, 0.0, 1.0])


def answer(outputs):
    return {"forecast": outputs[..., 1], "quantiles": outputs}


HISTORY = np.array([[1.0, 4, 2, 8, 5, 7, 3, 6, 9, 2, 4, 8]])[..., None]


def loop_of(**changes):
    return ForecastLoop(repeats, answer, form_of(**changes), every_step=False)


def test_without_differences_the_values_are_repeated():
    found = loop_of().once(tf.constant(HISTORY[:, -6:]))
    np.testing.assert_allclose(found["forecast"][0, :, 0], [4, 8], rtol=1e-6)
    np.testing.assert_allclose(found["quantiles"][0, :, 0], [[2, 4, 6], [6, 8, 10]], rtol=1e-6)


@pytest.mark.parametrize("difference", [1, 2, 3])
@pytest.mark.parametrize("blocks", [1, 4])
def test_differences_are_added_up_again(difference, blocks):
    """Against a plain loop over the steps."""
    loop = loop_of(difference=difference)
    history = HISTORY[:, -(6 + difference) :]
    found = loop.write_on(tf.constant(history), tf.constant(blocks), tf.constant(0.0), tf.constant(1))
    values = history[0, :, 0].tolist()
    changes = [values[i] - values[i - difference] for i in range(difference, len(values))]
    for _ in range(2 * blocks):
        changes.append(changes[-2])
        values.append(values[-difference] + changes[-1])
    np.testing.assert_allclose(found["forecast"][0, :, 0], values[-2 * blocks :], rtol=1e-6)
    np.testing.assert_allclose(found["quantiles"][0, :, 0, 2] - found["forecast"][0, :, 0], 2.0, rtol=1e-5)


def test_noise_is_fed_back_and_comes_from_the_seed():
    loop = loop_of()
    history = tf.constant(HISTORY[:, -6:])
    quiet, noisy, again, other = (
        loop.write_on(history, tf.constant(200), tf.constant(noise), tf.constant(seed))["forecast"].numpy()
        for noise, seed in ((0.0, 1), (0.5, 1), (0.5, 1), (0.5, 2))
    )
    np.testing.assert_allclose(quiet[0, :, 0], np.tile([4, 8], 200), rtol=1e-6)
    np.testing.assert_array_equal(noisy, again)
    assert np.abs(noisy - other).max() > 1
    steps = (noisy[0, 2:, 0] - noisy[0, :-2, 0]) / 2.0  # a walk: each is the one before and noise
    assert steps.std() == pytest.approx(0.5, rel=0.15)


def test_large_numbers_keep_their_digits():
    history = 1e9 + np.cumsum(np.ones((1, 7, 1)), axis=1)
    loop = ForecastLoop(repeats, answer, form_of(difference=1, mean=1.0, deviation=1.0), every_step=False)
    np.testing.assert_array_equal(loop.once(tf.constant(history))["forecast"][0, :, 0], [1e9 + 8, 1e9 + 9])
