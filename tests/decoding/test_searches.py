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


class TableDecoder:
    """Log probabilities that depend on sentence, step and last token: `table[sentence, step, last]`."""

    def __init__(self, seed: int, batch: int, steps: int, sharpness: float = 2.0):
        logits = np.random.default_rng(seed).normal(size=(batch, steps, VOCABULARY, VOCABULARY)) * sharpness
        self.table = tf.nn.log_softmax(tf.constant(logits, tf.float32))
        self.alignment = tf.nn.softmax(tf.constant(np.random.default_rng(seed).normal(size=(batch, MEMORY_TIME))))
        self.batch = batch

    def __call__(self, ids, state, memory):
        sentence, t = memory["sentence"], state["t"]
        log_probabilities = tf.gather_nd(self.table, tf.stack([sentence, t, ids], axis=-1))
        # The alignment names its last token, so that a test sees whose it is.
        alignment = tf.one_hot(ids % MEMORY_TIME, MEMORY_TIME)
        return log_probabilities, {"t": t + 1, "last": ids}, alignment

    def start(self):
        return {"t": tf.zeros([self.batch], tf.int32), "last": tf.zeros([self.batch], tf.int32)}

    def memory(self):
        return {"sentence": tf.range(self.batch)}

    def log_probability(self, sentence, tokens):
        steps = zip(itertools.count(), [GO, *tokens], tokens)
        return sum(float(self.table[sentence, t, last, token]) for t, last, token in steps)


def written(ids):
    """The tokens up to and with `<eos>`."""
    tokens = [int(i) for i in ids]
    return tokens[: tokens.index(EOS) + 1]


def run(decoder, limits, width, alpha=1.0):
    search = tf.function(lambda w, a: beam_search(decoder, decoder.start(), decoder.memory(), limits, w, a))
    return search(tf.constant(width), tf.constant(alpha))


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 1000), limits=st.lists(st.integers(1, 6), min_size=1, max_size=4))
def test_a_beam_of_one_is_the_greedy_search(seed, limits):
    decoder = TableDecoder(seed, len(limits), 6)
    limits = tf.constant(limits)
    beam, greedy = run(decoder, limits, 1), greedy_search(decoder, decoder.start(), decoder.memory(), limits)
    np.testing.assert_array_equal(beam.ids, greedy.ids)
    np.testing.assert_array_equal(beam.log_probabilities, greedy.log_probabilities)
    np.testing.assert_array_equal(beam.alignments, greedy.alignments)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 1000), width=st.integers(1, 5), alpha=st.sampled_from([0.0, 0.6, 1.0]))
def test_scores_are_the_models_own(seed, width, alpha):
    decoder = TableDecoder(seed, 3, 6)
    found = run(decoder, tf.constant([6, 4, 1]), width, alpha)
    for sentence in range(3):
        for beam in range(width):
            if found.log_probabilities[sentence, beam] < -1e8:
                continue  # a place that no hypothesis could take (limit 1: `<eos>` is the only one)
            tokens = written(found.ids[sentence, beam])
            expected = decoder.log_probability(sentence, tokens)
            np.testing.assert_allclose(found.log_probabilities[sentence, beam], expected, rtol=1e-5)
            np.testing.assert_allclose(
                found.scores[sentence, beam], expected / length_penalty(len(tokens), alpha), rtol=1e-5
            )
            lasts = [GO, *tokens[:-1]]
            looked_at = np.argmax(found.alignments[sentence, beam, : len(tokens)], axis=-1)
            np.testing.assert_array_equal(looked_at, np.array(lasts) % MEMORY_TIME)
        assert np.all(np.diff(found.scores[sentence]) <= 0)


@pytest.mark.parametrize("alpha", [0.0, 1.0])
@pytest.mark.parametrize("seed", range(5))
def test_a_wide_beam_finds_the_best_of_all(seed, alpha):
    """Against every sequence there is: with a beam as wide as the space, nothing is pruned."""
    limit, words = 3, [UNK, 4, 5, 6]
    decoder = TableDecoder(seed, 1, limit)
    sequences = [[*prefix, EOS] for length in range(limit) for prefix in itertools.product(words, repeat=length)]
    scored = sorted(
        ((decoder.log_probability(0, s) / float(length_penalty(len(s), alpha)), s) for s in sequences), reverse=True
    )
    found = run(decoder, tf.constant([limit]), 30, alpha)
    for beam in range(5):
        assert written(found.ids[0, beam]) == scored[beam][1]
        np.testing.assert_allclose(found.scores[0, beam], scored[beam][0], rtol=1e-5)


def test_a_sentence_is_translated_alone_as_in_a_batch():
    decoder = TableDecoder(3, 4, 8)
    limits = tf.constant([8, 3, 5, 8])
    together = run(decoder, limits, 3)
    for i in range(4):
        memory = {"sentence": tf.constant([i])}
        start = {"t": tf.zeros([1], tf.int32), "last": tf.zeros([1], tf.int32)}
        alone = beam_search(decoder, start, memory, limits[i : i + 1], 3)
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

    memory = {"sentence": tf.range(2)}
    greedy_search(decoder, tf.zeros([2, 1]), memory, tf.constant([50, 50]))
    assert len(calls) == 1


def test_length_penalty_golden():
    """Wu et al. 2016, equation 14: ((5 + |Y|) / 6) ** alpha."""
    np.testing.assert_allclose(length_penalty(tf.constant([1, 7, 19]), 0.5), [1.0, 2**0.5, 2.0])
    np.testing.assert_allclose(length_penalty(tf.constant([1, 7, 19]), 0.0), 1.0)
