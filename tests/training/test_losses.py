"""Losses against NumPy in float64."""

import numpy as np
import tensorflow as tf

from rnn_tasks.training import sampled_cross_entropy, sequence_cross_entropy

TARGETS = np.array([[4, 1, 3, 0], [2, 0, 0, 0]], np.int32)


def log_softmax(logits):
    shifted = logits - logits.max(-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))


def test_masked_smoothed_cross_entropy():
    logits = np.random.default_rng(0).normal(size=(2, 4, 6)) * 3
    log_p = log_softmax(logits)
    for smoothing in (0.0, 0.1, 0.5):
        wanted = np.full(6, smoothing / 6)
        total = 0.0
        for row, t in zip(*np.nonzero(TARGETS), strict=True):
            distribution = wanted.copy()
            distribution[TARGETS[row, t]] += 1 - smoothing
            total -= (distribution * log_p[row, t]).sum()
        found = sequence_cross_entropy(tf.constant(logits, tf.float32), TARGETS, smoothing)
        np.testing.assert_allclose(found.total, total, rtol=1e-5)
        assert found.weight == 4


def test_uniform_logits_cost_log_of_the_vocabulary():
    found = sequence_cross_entropy(tf.zeros([2, 4, 50]), TARGETS)
    np.testing.assert_allclose(found.total / found.weight, np.log(50), rtol=1e-6)


def test_sampling_every_word_is_nearly_the_full_softmax():
    """Not quite: the sampler does not know that it drew each word for certain."""
    random = np.random.default_rng(1)
    hidden = tf.constant(random.normal(size=(2, 4, 5)), tf.float32)
    kernel, bias = tf.constant(random.normal(size=(6, 5)), tf.float32), tf.constant(random.normal(size=6), tf.float32)
    full = sequence_cross_entropy(tf.einsum("btd,vd->btv", hidden, kernel) + bias, TARGETS)
    sampled = sampled_cross_entropy(hidden, kernel, bias, TARGETS, samples=6)
    np.testing.assert_allclose(sampled.total, full.total, rtol=0.03)
    assert sampled.weight == full.weight


def test_sampled_gradients_point_the_way_of_the_full_ones():
    random = np.random.default_rng(2)
    tf.random.set_seed(1)
    targets = np.array([[1, 2, 5, 9]], np.int32)
    hidden = tf.Variable(random.normal(size=(1, 4, 8)), dtype=tf.float32)
    kernel, bias = tf.constant(random.normal(size=(200, 8)), tf.float32), tf.zeros(200)

    def gradient(loss):
        with tf.GradientTape() as tape:
            total = loss().total
        return tf.reshape(tape.gradient(total, hidden), [-1]).numpy()

    full = gradient(lambda: sequence_cross_entropy(tf.einsum("btd,vd->btv", hidden, kernel), targets))
    drawn = np.mean(
        [gradient(lambda: sampled_cross_entropy(hidden, kernel, bias, targets, 60)) for _ in range(50)], axis=0
    )
    assert np.dot(full, drawn) / (np.linalg.norm(full) * np.linalg.norm(drawn)) > 0.95
