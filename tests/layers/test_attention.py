"""Both attentions against NumPy in float64."""

import numpy as np
import pytest

from rnn_tasks.layers import BahdanauAttention, LuongAttention

BATCH, QUERIES, TIME, UNITS = 2, 3, 5, 4
MASK = np.arange(TIME) < np.array([[5], [2]])


def softmax(scores):
    weights = np.exp(scores - scores.max(-1, keepdims=True)) * MASK[:, None]
    return weights / weights.sum(-1, keepdims=True)


def check(layer, scores_of, memory_units=6):
    random = np.random.default_rng(0)
    query, memory = random.normal(size=(BATCH, QUERIES, UNITS)), random.normal(size=(BATCH, TIME, memory_units))
    layer.build(query.shape, memory.shape)
    layer.set_weights([random.normal(size=w.shape) for w in layer.weights])
    weights = {w.path.split("/", 1)[-1]: np.asarray(w) for w in layer.weights}
    wanted = softmax(scores_of(query, memory, weights))
    for keys in (None, layer.project(memory)):
        context, alignment = layer(query, memory, keys=keys, mask=MASK)
        np.testing.assert_allclose(alignment, wanted, atol=1e-12)
        np.testing.assert_allclose(context, wanted @ memory, atol=1e-12)
    assert np.all(np.asarray(alignment)[1, :, 2:] == 0)


@pytest.mark.parametrize("score", ["general", "dot"])
@pytest.mark.parametrize("scaled", [False, True])
def test_luong(scaled, score):
    def scores(query, memory, weights):
        keys = memory @ weights["memory/kernel"] if score == "general" else memory
        raw = np.einsum("bqu,btu->bqt", query, keys)
        return raw / np.sqrt(UNITS) if scaled else raw

    layer = LuongAttention(UNITS, scaled=scaled, score=score, dtype="float64")
    check(layer, scores, memory_units=6 if score == "general" else UNITS)
    again = LuongAttention.from_config(layer.get_config())
    assert (again.scaled, again.score) == (scaled, score)


@pytest.mark.parametrize("normalised", [False, True])
def test_bahdanau(normalised):
    def scores(query, memory, weights):
        summed = (query @ weights["query/kernel"])[:, :, None] + (memory @ weights["memory/kernel"])[:, None]
        v = weights["scale"]
        if normalised:
            summed, v = summed + weights["bias"], weights["gain"] * v / np.linalg.norm(v)
        return np.tanh(summed) @ v

    check(BahdanauAttention(UNITS, normalised=normalised, dtype="float64"), scores)


@pytest.mark.parametrize("layer", [LuongAttention(UNITS), BahdanauAttention(UNITS)])
def test_an_empty_memory_reads_as_zeros_whatever_its_padding(layer):
    query, mask = np.ones((2, 1, UNITS)), np.array([[False, False], [True, False]])
    for padding in (1.0, -50.0):
        context, alignment = layer(query, np.array([[[padding] * 3] * 2, [[2.0] * 3, [padding] * 3]]), mask=mask)
        np.testing.assert_array_equal(alignment, [[[0, 0]], [[1, 0]]])
        np.testing.assert_array_equal(context, [[[0] * 3], [[2] * 3]])


def test_small_alignments_survive_half_precision():
    """exp(-8) is below half a step of bfloat16 beside 1, and yet what the softmax gives."""
    layer = LuongAttention(1, score="dot", dtype="mixed_bfloat16")
    _, alignment = layer(np.ones((1, 1, 1)), np.array([[[8.0], [0.0]]]))
    np.testing.assert_allclose(alignment[0, 0], [1 / (1 + np.exp(-8)), 1 / (1 + np.exp(8))], rtol=1e-5)


def test_widths_that_do_not_fit_are_named():
    with pytest.raises(ValueError, match=r'score="dot"\) takes a memory of that width, found \(2, 5, 6\)'):
        LuongAttention(4, score="dot").build((2, 3, 4), (2, 5, 6))
    with pytest.raises(ValueError, match='score "general" or "dot", found "cosine"'):
        LuongAttention(4, score="cosine")
    with pytest.raises(ValueError, match=r"LuongAttention\(4\) takes queries of that width, found \(2, 3, 7\)"):
        LuongAttention(4).build((2, 3, 7), (2, 5, 6))
