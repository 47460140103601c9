"""Heads of forecasters: each loss is least at the truth, quantiles never cross."""

import numpy as np
import pytest
import tensorflow as tf

from rnn_tasks import training
from rnn_tasks.shapes.forecast_heads import forecast_head

LEVELS = (0.1, 0.5, 0.9)


def fitted(output, by="squared"):
    """What 4,000 draws of an exponential distribution teach outputs that stand alone."""
    head = forecast_head(output, LEVELS, by)
    draws = np.random.default_rng(1).exponential(size=(4_000, 1)).astype("float32")
    outputs = tf.Variable(tf.zeros((1, 1, head.parts)))
    optimizer = tf.keras.optimizers.Adam(0.05)

    @tf.function
    def update():
        with tf.GradientTape() as tape:
            loss = head.loss(tf.repeat(outputs, 4_000, axis=0), draws, tf.ones(4_000))
            mean = loss.total / loss.weight
        optimizer.apply_gradients([(tape.gradient(mean, outputs), outputs)])

    for _ in range(800):
        update()
    answer = head.answer(outputs)
    return answer["forecast"][0, 0].numpy(), answer["quantiles"][0, 0].numpy(), draws


def test_quantiles_are_those_of_the_draws():
    forecast, quantiles, draws = fitted("quantiles")
    np.testing.assert_allclose(quantiles, np.quantile(draws, LEVELS), atol=0.05)
    assert forecast == quantiles[1]


@pytest.mark.parametrize(("by", "statistic"), [("squared", np.mean), ("absolute", np.median)])
def test_a_point_is_the_mean_or_the_median(by, statistic):
    forecast, quantiles, draws = fitted("point", by)
    assert forecast == pytest.approx(statistic(draws), abs=0.03)
    assert quantiles.shape == (0,)


def test_a_normal_distribution_has_mean_and_deviation_of_the_draws():
    forecast, quantiles, draws = fitted("gaussian")
    assert forecast == pytest.approx(draws.mean(), abs=0.03)
    np.testing.assert_allclose(quantiles, draws.mean() + draws.std() * np.array([-1.28155, 0, 1.28155]), atol=0.06)


def test_quantiles_that_cross_are_put_in_order():
    answer = forecast_head("quantiles", LEVELS, "squared").answer(tf.constant([[3.0, 1.0, 2.0]]))
    np.testing.assert_array_equal(answer["quantiles"], [[1, 2, 3]])


def test_losses_by_hand():
    truth, weights = tf.constant([[2.0], [5.0]]), tf.constant([1.0, 0.5])
    pinball = training.pinball_loss(tf.constant([[[1.0, 3.0]], [[1.0, 3.0]]]), truth, weights, (0.1, 0.9))
    assert float(pinball.total) == pytest.approx(0.1 + 0.5 * (0.4 + 1.8) / 2)
    assert float(pinball.weight) == 1.5
    absolute = training.absolute_error(tf.constant([[1.0], [1.0]]), truth, weights)
    assert float(absolute.total) == pytest.approx(1 + 0.5 * 4)
    likelihood = training.gaussian_negative_log_likelihood(
        tf.constant([[1.0], [5.0]]), tf.constant([[0.0], [1.0]]), truth, weights
    )
    normal = 0.5 * np.log(2 * np.pi)
    assert float(likelihood.total) == pytest.approx(normal + 0.5 + 0.5 * (normal + 1), rel=1e-6)
