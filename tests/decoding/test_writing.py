"""Texts written on: the compiled loop draws what drawing step by step draws, and by the model's distribution."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from rnn_tasks import models
from rnn_tasks.decoding import Sampling, draw, keep_top_k, keep_top_p, tempered, write_on
from rnn_tasks.decoding.writing import PIECE, PLAIN, _uniforms

CHAIN = tf.math.log(tf.constant([[0.1, 0.6, 0.3], [0.5, 0.25, 0.25], [0.2, 0.2, 0.6]]))


def chain_step(ids, states):
    """The next token depends on the last one alone; the state counts."""
    return tf.gather(CHAIN, ids), [states[0] + 1]


def counted(texts):
    return [tf.zeros([texts, 1])]


def written(texts=1, tokens=200, sampling=PLAIN, seed=1, first_piece=0, last=None):
    last = tf.zeros([texts], tf.int32) if last is None else last

    def write():
        return write_on(chain_step, last, counted(texts), tokens, sampling, seed=seed, first_piece=first_piece)

    return tf.function(write, autograph=False)() if tokens > 10 else write()  # few: eager, which is slow but works, too


def test_what_is_written_has_the_models_distribution():
    ids = written(texts=20, tokens=2000).ids.numpy()
    counts = np.zeros((3, 3))
    np.add.at(counts, (ids[:, :-1].ravel(), ids[:, 1:].ravel()), 1)
    np.testing.assert_allclose(counts / counts.sum(axis=1, keepdims=True), np.exp(CHAIN), atol=0.015)


def test_log_probabilities_are_the_models_own_and_states_go_on():
    found = written(tokens=50, sampling=Sampling(0.5, 2, 0.9))
    path = [0, *found.ids.numpy()[0].tolist()]
    expected = [float(CHAIN[before, token]) for before, token in itertools.pairwise(path)]
    np.testing.assert_allclose(found.log_probabilities[0], expected, rtol=1e-5)
    assert float(found.states[0][0, 0]) == 50


@pytest.mark.parametrize("sampling", [Sampling(), Sampling(0.7, 2, 1.0), Sampling(1.5, 0, 0.6)])
def test_the_loop_is_drawing_step_by_step(sampling):
    model = models.LanguageModel(12, units=6, layers=2, embedding_dim=4, seed=3)
    last = tf.constant([5, 7])
    found = tf.function(
        lambda: write_on(model.step, last, model.first_states(2), 90, sampling, seed=4), autograph=False
    )()
    uniforms, states = _uniforms(4, tf.constant(2), 90, 0), model.first_states(2)
    for t in range(90):
        logits, states = model.step(last, states)
        kept = keep_top_p(keep_top_k(tempered(logits, sampling.temperature), sampling.top_k), sampling.top_p)
        last = draw(kept, uniforms[t])
        np.testing.assert_array_equal(found.ids[:, t], last)
    for ours, theirs in zip(tf.nest.flatten(found.states), tf.nest.flatten(states), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


@pytest.mark.parametrize("sampling", [Sampling(), Sampling(0.7, 2, 1.0), Sampling(1.0, 0, 0.6), Sampling(1.0, 0, 1.0)])
def test_tensors_draw_what_numbers_draw(sampling):
    tensors = Sampling(*(tf.constant(part) for part in sampling))
    np.testing.assert_array_equal(written(sampling=tensors).ids, written(sampling=sampling).ids)


def test_piece_by_piece_is_at_once_and_a_text_does_not_depend_on_how_many_there_are():
    whole = written(texts=3, tokens=2 * PIECE + 10).ids.numpy()
    np.testing.assert_array_equal(written(texts=1, tokens=2 * PIECE + 10).ids[0], whole[0])
    last, parts = None, []
    for piece, tokens in enumerate((PIECE, PIECE, 10)):
        found = written(texts=3, tokens=tokens, first_piece=piece, last=last)
        last = found.ids[:, -1]
        parts.append(found.ids.numpy())
    np.testing.assert_array_equal(np.concatenate(parts, axis=1), whole)
    assert np.any(whole[0] != whole[1])
    assert np.any(written(seed=2).ids != written(seed=1).ids)


def test_towards_zero_temperature_the_likeliest_is_written():
    assert written(tokens=6, sampling=Sampling(1e-6)).ids.numpy().tolist() == [[1, 0, 1, 0, 1, 0]]


@pytest.mark.parametrize(
    ("vocabulary", "settings"),
    [
        (12, {"layers": 3}),
        (5000, {"layers": 2, "tied": True}),
        (12, {"cell": "gru", "layers": 2}),
        (12, {"cell": "simple_rnn", "tied": True}),
        (12, {"cell": "peephole_lstm"}),
    ],
)
def test_the_fast_step_is_the_step(vocabulary, settings):
    model = models.LanguageModel(vocabulary, units=6, embedding_dim=4, seed=3, **settings)
    for weight in model.weights:  # biases included
        weight.assign(np.random.default_rng(1).normal(size=weight.shape) * 0.4)
    fast, states = models.fast_step(model), model.first_states(2)
    for ids in ([3, 7], [11, 4], [5, 5]):
        logits, after = model.step(tf.constant(ids), states)
        found, states = fast(tf.constant(ids), states)
        np.testing.assert_allclose(found, logits, atol=1e-5)
        for ours, theirs in zip(tf.nest.flatten(states), tf.nest.flatten(after), strict=True):
            np.testing.assert_allclose(ours, theirs, atol=1e-6)
