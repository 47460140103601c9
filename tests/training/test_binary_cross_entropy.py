"""The loss of yes-or-no answers, by hand."""

import math

import pytest
import tensorflow as tf

from rnn_tasks import training


def test_is_minus_the_log_likelihood_of_the_rows_that_count():
    loss = training.binary_cross_entropy(
        tf.constant([0.0, math.log(3), math.log(3), 50.0]), tf.constant([1, 1, 0, 0]), tf.constant([1.0, 1.0, 1.0, 0.0])
    )
    assert float(loss.total) == pytest.approx(-math.log(1 / 2) - math.log(3 / 4) - math.log(1 / 4), abs=1e-6)
    assert float(loss.weight) == 3


def test_surest_mistakes_stay_finite():
    loss = training.binary_cross_entropy(tf.constant([-1000.0, 1000.0]), tf.constant([1, 0]), tf.ones(2))
    assert float(loss.total) == pytest.approx(2000)
