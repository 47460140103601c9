"""Sampling from decoders whose every probability is known, and the example that the protocol shows."""

import doctest

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from rnn_tasks.decoding import beam_search, greedy_search, protocol, sampling_search

PAD, UNK, GO, EOS, A, B = range(6)
DRAWS = 20_000


class Chain:
    """A Markov chain as a decoder: `table[last]` are the next token's probabilities; it looks at the last token."""

    def __init__(self, table):
        self.table = np.asarray(table, np.float64)
        self.log_table = tf.math.log(tf.constant(table, tf.float32))

    @classmethod
    def at_random(cls, seed, vocabulary=7, sharpness=2.0):
        logits = np.random.default_rng(seed).normal(size=(vocabulary, vocabulary)) * sharpness
        return cls(np.exp(logits) / np.exp(logits).sum(-1, keepdims=True))

    def __call__(self, ids, state, memory):
        return tf.gather(self.log_table, ids), state + 1, tf.one_hot(ids % 3, 3)

    def search(self, search, limits, **options):
        nothing = tf.zeros([len(limits), 1])
        return search(self, nothing, nothing, tf.constant(limits), **options)

    def probability(self, tokens):
        return np.prod([self.table[last, token] for last, token in zip([GO, *tokens], tokens, strict=False)])


ENDS = [0.0, 0.0, 0.0, 1.0, 0.0, 0.0]
LETTERS = Chain([ENDS, ENDS, [0, 0, 0, 0, 0.6, 0.4], ENDS, [0, 0, 0, 0.4, 0.3, 0.3], [0, 0, 0, 0.9, 0.1, 0]])
FIRST = np.array([0.3, 0.02, 0.1, 0.08, 0.25, 0.05, 0.2])  # a first token's probabilities, <pad> and <go> included


def first_tokens(**options):
    """How often each token came first of 20,000 times."""
    chain = Chain(np.tile(FIRST, (len(FIRST), 1)))
    found = chain.search(sampling_search, [2], seed=5, samples=DRAWS, **options)
    return np.bincount(found.ids[0, :, 0], minlength=len(FIRST))


def agree(counts, expected):
    """No draw is impossible, and the rest pass a chi-squared test at 1 in 1,000."""
    possible = expected > 0
    assert counts[~possible].sum() == 0
    assert stats.chisquare(counts[possible], DRAWS * expected[possible]).pvalue > 0.001


def test_the_example_of_the_protocol():
    result = doctest.testmod(protocol)
    assert result.attempted > 5
    assert result.failed == 0


def test_closed_forms_of_a_chain():
    greedy = LETTERS.search(greedy_search, [9])
    np.testing.assert_array_equal(greedy.ids[0, 0], [A, EOS])
    np.testing.assert_allclose(np.exp(greedy.scores), [[0.6 * 0.4]], rtol=1e-6)
    beam = LETTERS.search(beam_search, [9], beam_width=2, alpha=0.0)
    np.testing.assert_array_equal(beam.ids[0], [[B, EOS], [A, EOS]])
    np.testing.assert_allclose(np.exp(beam.scores), [[0.4 * 0.9, 0.6 * 0.4]], rtol=1e-6)

    limit = 4
    drawn = LETTERS.search(sampling_search, [limit], seed=1, samples=DRAWS)
    outputs, first, counts = np.unique(drawn.ids[0], axis=0, return_index=True, return_counts=True)
    written = [tuple(ids[: list(ids).index(EOS) + 1]) for ids in outputs]
    assert all(np.all(ids[len(tokens) :] == PAD) for ids, tokens in zip(outputs, written, strict=True))
    # The limit forces <eos>, so an output of that length comes as often as its first tokens; its score is the model's.
    chances = np.array([LETTERS.probability(tokens[: limit - 1]) for tokens in written])
    np.testing.assert_allclose(chances.sum(), 1.0)
    assert stats.chisquare(counts, DRAWS * chances).pvalue > 0.001
    scores = np.log([LETTERS.probability(tokens) for tokens in written])
    np.testing.assert_allclose(drawn.scores.numpy()[0, first], scores, rtol=1e-5)
    np.testing.assert_array_equal(drawn.log_probabilities, drawn.scores)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_frequencies_follow_the_tempered_distribution(temperature):
    expected = np.where(np.isin(np.arange(7), [PAD, GO]), 0.0, FIRST) ** (1 / temperature)
    agree(first_tokens(temperature=temperature), expected / expected.sum())


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        ({"top_k": 3}, [4, 6, 3]),  # of <unk> to <eos> 0.02, 0.08 and 0.25, 0.05, 0.2, which add up to 0.6
        ({"top_k": 100}, [1, 3, 4, 5, 6]),
        ({"top_p": 0.7}, [4, 6]),  # 0.45 / 0.6 = 0.75
        ({"top_p": 0.8}, [4, 6, 3]),
        ({"top_p": 0.8, "top_k": 3}, [4, 6]),  # of the three that top-k leaves 0.45 / 0.53 = 0.85
    ],
)
def test_frequencies_follow_the_truncated_distribution(options, kept):
    expected = np.where(np.isin(np.arange(7), kept), FIRST, 0.0)
    agree(first_tokens(**options), expected / expected.sum())


def test_temperature_comes_before_the_truncation():
    """Squared, 0.25 and 0.2 hold 0.93 of the probability, at temperature 1 only 0.75."""
    expected = np.where(np.isin(np.arange(7), [4, 6]), FIRST**2, 0.0)
    agree(first_tokens(temperature=0.5, top_p=0.9), expected / expected.sum())


def test_pad_and_go_never_come_however_hot():
    expected = np.where(np.isin(np.arange(7), [PAD, GO]), 0.0, 0.2)
    agree(first_tokens(temperature=1000.0), expected)


@settings(max_examples=8, deadline=None)
@given(
    seed=st.integers(0, 1000),
    limits=st.lists(st.integers(1, 6), min_size=1, max_size=3),
    options=st.sampled_from([{"top_k": 1}, {"top_p": 1e-6}, {"temperature": 1e-5}]),
)
def test_where_one_token_is_left_it_is_the_greedy_search(seed, limits, options):
    chain = Chain.at_random(seed)
    greedy = chain.search(greedy_search, limits)
    drawn = chain.search(sampling_search, limits, seed=seed, samples=2, **options)
    for sample in range(2):
        for ours, theirs in zip(drawn, greedy, strict=True):
            np.testing.assert_array_equal(ours[:, sample], theirs[:, 0])


def test_alignments_are_those_of_the_sample():
    drawn = Chain.at_random(4).search(sampling_search, [6, 3], temperature=2.0, seed=3, samples=4)
    ids = drawn.ids.numpy()
    assert ids.shape == (2, 4, 6)
    lasts = np.concatenate([np.full((2, 4, 1), GO), ids[:, :, :-1]], axis=-1)
    np.testing.assert_array_equal(np.argmax(drawn.alignments, axis=-1), lasts % 3)
    assert np.all(ids[1, :, 3:] == PAD)


class TestStreams:
    CHAIN = Chain.at_random(9, sharpness=1.0)

    def draw(self, limits, seed=7, **options):
        return self.CHAIN.search(sampling_search, limits, seed=seed, samples=3, **options).ids.numpy()

    def test_a_seed_is_an_output(self):
        limits = [8, 8]
        np.testing.assert_array_equal(self.draw(limits), self.draw(limits))
        assert not np.array_equal(self.draw(limits)[:, :, :3], self.draw(limits, seed=8)[:, :, :3])

    def test_a_sentence_draws_alone_as_in_a_batch(self):
        together = self.draw([8, 4, 20, 6])
        alone = self.draw([8])
        np.testing.assert_array_equal(together[:1, :, : alone.shape[-1]], alone)

    def test_a_numbered_sentence_draws_the_same_anywhere(self):
        there = self.draw([5, 9, 7], streams=tf.constant([40, 41, 42]))
        here = self.draw([7, 5], streams=tf.constant([42, 40]))
        time = min(there.shape[-1], here.shape[-1])
        np.testing.assert_array_equal(here[:, :, :time], there[[2, 0]][:, :, :time])

    def test_equal_sentences_and_samples_draw_differently(self):
        uniform = Chain(np.full((40, 40), 1 / 40))
        ids = uniform.search(sampling_search, [4] * 4, seed=1, samples=5).ids.numpy()
        assert len(np.unique(ids.reshape(20, 4), axis=0)) == 20

    def test_compiled_for_any_batch_as_eager(self):
        signature = [tf.TensorSpec([None], tf.int32), tf.TensorSpec([], tf.int32)]

        @tf.function(input_signature=signature)
        def compiled(limits, seed):
            nothing = tf.zeros([tf.shape(limits)[0], 1])
            return sampling_search(self.CHAIN, nothing, nothing, limits, 0.9, 5, 0.95, seed=seed, samples=3)

        for limits in ([6], [3, 8]):
            eager = self.CHAIN.search(sampling_search, limits, temperature=0.9, top_k=5, top_p=0.95, seed=2, samples=3)
            found = compiled(tf.constant(limits), tf.constant(2))
            np.testing.assert_array_equal(found.ids, eager.ids)
            np.testing.assert_allclose(found.scores, eager.scores, rtol=1e-6)


def test_a_token_without_probability_is_still_likelier_than_a_forbidden_one():
    """At its limit a chain that cannot end ends all the same, in every search."""
    endless = Chain([ENDS, ENDS, [0, 0, 0, 0, 1.0, 0]] + [[0, 0, 0, 0, 1.0, 0]] * 3)
    for search, options in ((greedy_search, {}), (beam_search, {"beam_width": 1}), (sampling_search, {"seed": 0})):
        found = endless.search(search, [3], **options)
        np.testing.assert_array_equal(found.ids[0, 0], [A, A, EOS])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"temperature": 0.0}, "temperature must lie between 1e-06 and 1000; found 0.0"),
        ({"temperature": -1.0}, "found -1.0"),
        ({"temperature": float("nan")}, "found nan"),
        ({"temperature": 1001}, "found 1001"),
        ({"top_k": -2}, r"top_k must be 0 \(every token\) or more; found -2"),
        ({"top_p": 0.0}, r"top_p must lie in \(0, 1\]; found 0.0"),
        ({"top_p": 1.2}, "found 1.2"),
        ({"samples": 0}, "samples must be 1 or more; found 0"),
    ],
)
def test_wrong_values_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        LETTERS.search(sampling_search, [3], seed=0, **options)
