"""Temperature, top-k and top-p against their definitions, and a draw against its cumulative probabilities."""

import numpy as np
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from rnn_tasks.decoding import draw, keep_top_k, keep_top_p, tempered


def softmax(logits):
    logits = np.asarray(logits, np.float64)
    exponents = np.exp(logits - logits.max(-1, keepdims=True))
    return exponents / exponents.sum(-1, keepdims=True)


def kept(logits):
    return np.isfinite(np.asarray(logits))


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 1000), temperature=st.sampled_from([0.3, 1.0, 2.5, 1000.0]))
def test_tempered_probabilities_are_powers(seed, temperature):
    logits = np.random.default_rng(seed).normal(size=(2, 9)).astype(np.float32) * 3
    powers = softmax(logits) ** (1 / temperature)
    found = tempered(tf.constant(logits), temperature)
    np.testing.assert_allclose(softmax(found), powers / powers.sum(-1, keepdims=True), rtol=1e-4)
    assert np.all(np.max(found, axis=-1) == 0.0)


def test_the_coldest_takes_all():
    np.testing.assert_array_equal(tf.nn.softmax(tempered(tf.constant([[-1e9, -3.0, -3.1]]), 1e-6)), [[0.0, 1.0, 0.0]])


def test_top_k_keeps_the_largest_and_the_lower_of_equals():
    logits = tf.constant([[1.0, 3.0, 3.0, 3.0, 2.0], [5.0, 1.0, 2.0, 3.0, 4.0]])
    np.testing.assert_array_equal(kept(keep_top_k(logits, 2)), [[0, 1, 1, 0, 0], [1, 0, 0, 0, 1]])
    np.testing.assert_array_equal(keep_top_k(logits, 2)[1], [5.0, *[-np.inf] * 3, 4.0])
    for all_of_them in (0, 5, 9):
        np.testing.assert_array_equal(keep_top_k(logits, all_of_them), logits)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 1000), p=st.floats(0.01, 0.99), sharpness=st.sampled_from([0.1, 1.0, 5.0]))
def test_top_p_keeps_the_smallest_set_that_reaches_p(seed, p, sharpness):
    logits = np.random.default_rng(seed).normal(size=(3, 12)).astype(np.float32) * sharpness
    found = keep_top_p(tf.constant(logits), p).numpy()
    for row, probabilities, stays in zip(range(3), softmax(logits), kept(found), strict=True):
        assert probabilities[stays].sum() >= p - 1e-6
        assert probabilities[stays].sum() - probabilities[stays].min() < p + 1e-6
        assert np.all(probabilities[stays].min() >= probabilities[~stays])
        np.testing.assert_array_equal(found[row, stays], logits[row, stays])


def test_top_p_of_equals_keeps_the_lower_ids():
    logits = tf.zeros([1, 8])
    np.testing.assert_array_equal(kept(keep_top_p(logits, 0.5)), [[1] * 4 + [0] * 4])
    np.testing.assert_array_equal(kept(keep_top_p(logits, 0.51)), [[1] * 5 + [0] * 3])
    np.testing.assert_array_equal(kept(keep_top_p(logits, 1.0)), [[1] * 8])


def test_a_draw_is_the_inverse_of_the_cumulative_probability():
    probabilities = np.array([0.0, 0.25, 0.0, 0.5, 0.25, 0.0])
    numbers = [0.0, 0.2499, 0.25, 0.7499, 0.75, 1 - 2.0**-52]
    logits = tf.tile(tf.math.log(tf.constant(probabilities, tf.float32))[None], [len(numbers), 1])
    np.testing.assert_array_equal(draw(logits, tf.constant(numbers, tf.float64)), [1, 1, 3, 3, 4, 4])


def test_rare_words_behind_frequent_ones_are_not_lost():
    """A million words share 1 in 100; float32 sums, one by one, would not see each of them behind the first."""
    logits = np.full((1, 1_000_001), np.log(1e-8), np.float32)
    logits[0, 0] = np.log(0.99)
    token = int(draw(tf.constant(logits), tf.constant([0.995], tf.float64))[0])
    assert abs(token - 500_000) < 5_000
