"""Searches over small decoders whose every probability is known."""

import functools
import itertools

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from rnn_tasks.decoding import beam_search, greedy_search, length_penalty, sampling_search

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
@tf.function(input_signature=[TABLES, LIMITS, tf.TensorSpec([], tf.int32), tf.TensorSpec([])], autograph=False)
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
            if place and sentence == 2:  # limit 1: `<eos>` is the only hypothesis
                check_empty(found, sentence, place)
                continue
            tokens = written(found.ids[sentence, place])
            expected = log_probability(table[sentence], tokens)
            np.testing.assert_allclose(found.log_probabilities[sentence, place], expected, rtol=1e-5)
            np.testing.assert_allclose(
                found.scores[sentence, place], expected / length_penalty(len(tokens), alpha), rtol=1e-5
            )
            lasts = [GO, *tokens[:-1]]
            looked_at = np.argmax(found.alignments[sentence, place, : len(tokens)], axis=-1)
            np.testing.assert_array_equal(looked_at, np.array(lasts) % MEMORY_TIME)
        scores = found.scores[sentence]
        assert np.all(scores[1:] <= scores[:-1])


def check_empty(found, sentence, place):
    """A place in the beam that no hypothesis is left for."""
    assert found.log_probabilities[sentence, place] == -np.inf
    assert found.scores[sentence, place] == -np.inf
    assert np.all(found.ids[sentence, place] == PAD)
    assert np.all(found.alignments[sentence, place] == 0.0)


@pytest.mark.parametrize("alpha", [0.0, 1.0])
@pytest.mark.parametrize("forbidden", [[], [5], [5, EOS]], ids=str)
def test_only_hypotheses_come_out_of_a_beam_that_is_too_wide(alpha, forbidden):
    """All that there are, each once, the best first; beside a sentence that fills its beam."""
    table = tables(2, 2, 4)
    table[0, ..., forbidden] = -np.inf  # of no probability
    table[0, 1:, ..., EOS] = tables(3, 1, 4)[0, 1:, ..., EOS]
    found = beam(table, [2, 4], 20, alpha)
    words = [token for token in (UNK, 4, 5, 6) if token not in forbidden]
    wanted = [[word, EOS] for word in words] + [[EOS]] * (EOS not in forbidden)
    ids, real = found.ids.numpy(), np.isfinite(found.scores)
    assert real.sum(axis=1).tolist() == [len(wanted), 20]
    assert sorted(written(row) for row in ids[0, : len(wanted)]) == sorted(wanted)
    for place in range(len(wanted)):
        expected = log_probability(table[0], written(ids[0, place]))
        np.testing.assert_allclose(found.log_probabilities[0, place], expected, rtol=1e-5)
    for place in range(len(wanted), 20):
        check_empty(found, 0, place)
    assert not np.any(np.isin(ids[1, :, 0], [PAD, GO]))
    assert len({tuple(row) for row in ids[1]}) == 20


def test_a_sentence_without_any_hypothesis_is_ended_by_force_once():
    table = np.full_like(tables(0, 1, 3), -np.inf)
    table[..., 4] = 0.0  # nothing but 4, for ever
    found = beam(table, [3], 3, 1.0)
    assert written(found.ids[0, 0]) == [4, 4, EOS]
    for place in (1, 2):
        check_empty(found, 0, place)


PRECISIONS = [tf.float16, tf.bfloat16, tf.float64]
SEARCHES = {
    "greedy": greedy_search,
    "beam": functools.partial(beam_search, beam_width=np.int64(3), alpha=np.float64(0.6)),
    "sampling": functools.partial(sampling_search, seed=np.int64(1), samples=2, temperature=np.float64(0.9)),
}
EVERY_SEARCH = pytest.mark.parametrize("search", SEARCHES.values(), ids=SEARCHES)


@EVERY_SEARCH
@pytest.mark.parametrize("dtype", PRECISIONS, ids=lambda dtype: dtype.name)
@pytest.mark.parametrize("compiled", [False, True])
def test_a_decoder_of_any_precision(search, dtype, compiled):
    """As the same numbers in float32; its states, given in float32, come back in its own precision."""
    table = tf.cast(tf.cast(tables(4, 2, 5), dtype), tf.float32)

    def cast(ids, state, memory):
        log_probabilities, state, alignment = step(ids, {"t": state["t"], "before": state["before"]}, memory)
        scores = tf.cast(tf.fill(tf.shape(ids), 0.25), dtype)
        return tf.cast(log_probabilities, dtype), {**state, "scores": scores}, tf.cast(alignment, dtype)

    def run(decoder, kind):
        state = {**start(tf.constant([0, 0])), "scores": tf.zeros([2], kind)}
        return search(decoder, state, table, [5, 3])

    def exact(ids, state, memory):
        log_probabilities, after, alignment = step(ids, {"t": state["t"], "before": state["before"]}, memory)
        return log_probabilities, {**after, "scores": state["scores"]}, alignment

    found = (tf.function(run) if compiled else run)(cast, tf.float32)
    for part, wanted in zip(found, run(exact, tf.float32), strict=True):
        assert part.dtype == wanted.dtype
        np.testing.assert_allclose(part, wanted, rtol=1e-6)


@EVERY_SEARCH
@pytest.mark.parametrize(
    "limits", [[3, 5], np.array([3, 5]), np.array([3, 5], np.uint8), tf.constant([3, 5], tf.int64)], ids=type
)
def test_limits_of_any_kind(search, limits):
    table = tables(5, 2, 5)
    found, wanted = (search(step, start(tf.constant([0, 0])), table, given) for given in (limits, tf.constant([3, 5])))
    for part, expected in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(part, expected)


@EVERY_SEARCH
@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ([2, 0], "takes limits of 1 or more, `<eos>` included; found 0 for sentence 1"),
        (tf.constant([-3, 1]), "found -3 for sentence 0"),
        ([2.0, 2.0], "counts limits in whole tokens, found float32"),
        (3, r"takes limits \(batch,\), one a sentence, found \(\)"),
        ([[3, 3]], r"found \(1, 2\)"),
    ],
)
def test_limits_that_are_none(search, limits, message):
    with pytest.raises(ValueError, match=rf"^(greedy|beam|sampling)_search .*{message}"):
        search(step, start(tf.constant([0, 0])), tables(0, 2, 3), limits)


def test_a_beam_without_places():
    with pytest.raises(ValueError, match="beam_search takes a beam_width of 1 or more, found 0"):
        beam_search(step, start(tf.constant([0])), tables(0, 1, 3), [3], beam_width=0)


def test_where_a_graph_does_not_know_its_limits_less_than_one_is_one():
    table = tables(6, 3, 4)
    for found, wanted in zip(greedy(table, [0, -1, 4]), greedy(table, [1, 1, 4]), strict=True):
        np.testing.assert_array_equal(found, wanted)
    for found, wanted in zip(beam(table, [0, -1, 4], 2, 1.0), beam(table, [1, 1, 4], 2, 1.0), strict=True):
        np.testing.assert_array_equal(found, wanted)


@EVERY_SEARCH
@pytest.mark.parametrize("compiled", [False, True])
def test_no_sentences(search, compiled):
    def run(limits, table):
        return search(step, start(limits), table, limits)

    if compiled:
        run = tf.function(run, input_signature=[LIMITS, TABLES])
    found = run(tf.zeros([0], tf.int32), tf.constant(tables(0, 0, 3)))
    assert found.ids.shape[0] == 0
    assert found.scores.shape == found.ids.shape[:2]
    assert found.alignments.shape == (*found.ids.shape, MEMORY_TIME)


@EVERY_SEARCH
def test_a_memory_may_lack_a_part(search):
    """As an `AttentionMemory` without a mask does."""
    table = tables(7, 2, 4)

    def decoder(ids, state, memory):
        return step(ids, state, memory[0])

    found = search(decoder, start(tf.constant([0, 0])), (table, None), [4, 4])
    for part, wanted in zip(found, search(step, start(tf.constant([0, 0])), table, [4, 4]), strict=True):
        np.testing.assert_array_equal(part, wanted)


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
