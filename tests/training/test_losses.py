"""Losses against NumPy in float64."""

import numpy as np
import tensorflow as tf

from rnn_tasks.training import sampled_cross_entropy, sequence_cross_entropy
from rnn_tasks.training.losses import draw_words

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


def test_sampling_every_word_is_the_full_softmax():
    random = np.random.default_rng(1)
    hidden = tf.constant(random.normal(size=(2, 4, 5)), tf.float32)
    kernel, bias = tf.constant(random.normal(size=(6, 5)), tf.float32), tf.constant(random.normal(size=6), tf.float32)
    full = sequence_cross_entropy(tf.einsum("btd,vd->btv", hidden, kernel) + bias, TARGETS)
    sampled = sampled_cross_entropy(hidden, kernel, bias, TARGETS, samples=6, seed=(1, 1))
    np.testing.assert_allclose(sampled.total, full.total, rtol=1e-5)
    assert sampled.weight == full.weight


def test_sampled_gradients_point_the_way_of_the_full_ones():
    random = np.random.default_rng(2)
    targets = np.array([[1, 2, 5, 9]], np.int32)
    hidden = tf.Variable(random.normal(size=(1, 4, 8)), dtype=tf.float32)
    kernel, bias = tf.constant(random.normal(size=(200, 8)), tf.float32), tf.zeros(200)

    def gradient(loss):
        with tf.GradientTape() as tape:
            total = loss().total
        return tf.reshape(tape.gradient(total, hidden), [-1]).numpy()

    full = gradient(lambda: sequence_cross_entropy(tf.einsum("btd,vd->btv", hidden, kernel), targets))
    drawn = np.mean(
        [
            gradient(lambda update=update: sampled_cross_entropy(hidden, kernel, bias, targets, 60, (1, update)))
            for update in range(50)
        ],
        axis=0,
    )
    assert np.dot(full, drawn) / (np.linalg.norm(full) * np.linalg.norm(drawn)) > 0.95


def test_drawn_words_are_different_log_uniform_and_as_often_as_expected():
    """One over its expectation for each word drawn: on average this is 1 for every word of the vocabulary."""
    draws = tf.function(lambda update: draw_words(5, 20, (1, update)))
    counted, seen = np.zeros(20), np.zeros(20)
    for update in range(4000):
        words, log_expected = draws(tf.constant(update))
        assert len(set(words.numpy())) == 5
        counted[words] += np.exp(-log_expected.numpy()[words])
        seen[words] += 1
    np.testing.assert_allclose(counted / 4000, 1.0, atol=0.15)
    assert seen[0] > 1.5 * seen[1] / 1.2 > seen[5]
    np.testing.assert_array_equal(draws(tf.constant(7))[0], draw_words(5, 20, (1, 7))[0])
    assert not np.array_equal(draw_words(5, 20, (1, 7))[0], draw_words(5, 20, (2, 7))[0])
