"""Searches over small decoders whose every probability is known."""

import itertools

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from rnn_tasks.decoding import beam_search, greedy_search, length_penalty

PAD, UNK, GO, EOS = range(4)
VOCABULARY, MEMORY_TIME = 7, 3


def tables(seed: int, batch: int, steps: int) -> np.ndarray:
    """Log probabilities (sentence, step, token before the last, last token, next token)."""
    logits = np.random.default_rng(seed).normal(size=(batch, steps, *[VOCABULARY] * 3)) * 2.0
    return (logits - np.log(np.sum(np.exp(logits), axis=-1, keepdims=True))).astype(np.float32)


def step(ids, state, memory):
    """A decoder whose memory is its table, and whose state is the step and the token before the last."""
    log_probabilities = tf.gather_nd(memory, tf.stack([state["t"], state["before"], ids], axis=-1), batch_dims=1)
    # The alignment names its last token, so that a test sees whose it is.
    return log_probabilities, {"t": state["t"] + 1, "before": ids}, tf.one_hot(ids % MEMORY_TIME, MEMORY_TIME)


def start(limits):
    return {"t": tf.zeros_like(limits), "before": tf.zeros_like(limits)}


def log_probability(table, tokens):
    """What a sentence's table (step, before, last, next) says of an output."""
    history = zip(itertools.count(), [PAD, GO, *tokens], [GO, *tokens], tokens)
    return sum(float(table[place]) for place in history)


TABLES, LIMITS = tf.TensorSpec([None, None, *[VOCABULARY] * 3]), tf.TensorSpec([None], tf.int32)


# Compiled once for every batch, length and beam.
@tf.function(input_signature=[TABLES, LIMITS, tf.TensorSpec([], tf.int32), tf.TensorSpec([])])
def beam(table, limits, width, alpha):
    return beam_search(step, start(limits), table, limits, width, alpha)


@tf.function(input_signature=[TABLES, LIMITS])
def greedy(table, limits):
    return greedy_search(step, start(limits), table, limits)


def written(ids):
    """The tokens up to and with `<eos>`."""
    tokens = [int(i) for i in ids]
    return tokens[: tokens.index(EOS) + 1]


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 1000),
    limits=st.lists(st.integers(1, 6), min_size=1, max_size=4),
    alpha=st.sampled_from([0.0, 1.0]),
)
def test_a_beam_of_one_is_the_greedy_search(seed, limits, alpha):
    table = tables(seed, len(limits), 6)
    found, wanted = beam(table, limits, 1, alpha), greedy(table, limits)
    np.testing.assert_array_equal(found.ids, wanted.ids)
    np.testing.assert_array_equal(found.log_probabilities, wanted.log_probabilities)
    np.testing.assert_array_equal(found.alignments, wanted.alignments)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000), width=st.integers(1, 5), alpha=st.sampled_from([0.0, 0.6, 1.0]))
def test_scores_are_the_models_own(seed, width, alpha):
    table = tables(seed, 3, 6)
    found = beam(table, [6, 4, 1], width, alpha)
    for sentence in range(3):
        for place in range(width):
            if found.log_probabilities[sentence, place] < -1e8:
                continue  # a place that no hypothesis could take (limit 1: `<eos>` is the only one)
            tokens = written(found.ids[sentence, place])
            expected = log_probability(table[sentence], tokens)
            np.testing.assert_allclose(found.log_probabilities[sentence, place], expected, rtol=1e-5)
            np.testing.assert_allclose(
                found.scores[sentence, place], expected / length_penalty(len(tokens), alpha), rtol=1e-5
            )
            lasts = [GO, *tokens[:-1]]
            looked_at = np.argmax(found.alignments[sentence, place, : len(tokens)], axis=-1)
            np.testing.assert_array_equal(looked_at, np.array(lasts) % MEMORY_TIME)
        assert np.all(np.diff(found.scores[sentence]) <= 0)


@pytest.mark.parametrize("alpha", [0.0, 1.0])
@pytest.mark.parametrize("seed", range(5))
def test_a_wide_beam_finds_the_best_of_all(seed, alpha):
    """Against every sequence there is: with a beam as wide as the space, nothing is pruned."""
    limit, words = 3, [UNK, 4, 5, 6]
    table = tables(seed, 1, limit)
    sequences = [[*prefix, EOS] for length in range(limit) for prefix in itertools.product(words, repeat=length)]
    scored = sorted(
        ((log_probability(table[0], s) / float(length_penalty(len(s), alpha)), s) for s in sequences), reverse=True
    )
    found = beam(table, [limit], 30, alpha)
    for place in range(5):
        assert written(found.ids[0, place]) == scored[place][1]
        np.testing.assert_allclose(found.scores[0, place], scored[place][0], rtol=1e-5)


def test_a_sentence_is_translated_alone_as_in_a_batch():
    table, limits = tables(3, 4, 8), [8, 3, 5, 8]
    together = beam(table, limits, 3, 1.0)
    for i in range(4):
        alone = beam(table[i : i + 1], limits[i : i + 1], 3, 1.0)
        time = alone.ids.shape[2]
        np.testing.assert_array_equal(together.ids[i, :, :time], alone.ids[0])
        assert np.all(together.ids[i, :, time:].numpy() == PAD)
        np.testing.assert_allclose(together.scores[i], alone.scores[0], rtol=1e-5)


def test_stops_when_all_have_ended():
    """A decoder that wants nothing but `<eos>` is asked once, whatever the limit."""
    calls = []

    def decoder(ids, state, memory):
        calls.append(1)
        eos_only = tf.math.log(tf.one_hot(tf.fill([tf.shape(ids)[0]], EOS), VOCABULARY) * 0.93 + 0.01)
        return eos_only, state, tf.zeros([tf.shape(ids)[0], MEMORY_TIME])

    greedy_search(decoder, tf.zeros([2, 1]), tf.zeros([2, 1]), tf.constant([50, 50]))
    assert len(calls) == 1


def test_length_penalty_golden():
    """Wu et al. 2016, equation 14: ((5 + |Y|) / 6) ** alpha."""
    np.testing.assert_allclose(length_penalty(tf.constant([1, 7, 19]), 0.5), [1.0, 2**0.5, 2.0])
    np.testing.assert_allclose(length_penalty(tf.constant([1, 7, 19]), 0.0), 1.0)
