"""Both attentions against NumPy in float64."""

import numpy as np
import pytest

from rnn_tasks.layers import BahdanauAttention, LuongAttention

BATCH, QUERIES, TIME, UNITS = 2, 3, 5, 4
MASK = np.arange(TIME) < np.array([[5], [2]])


def softmax(scores):
    weights = np.exp(scores - scores.max(-1, keepdims=True)) * MASK[:, None]
    return weights / weights.sum(-1, keepdims=True)


def check(layer, scores_of):
    random = np.random.default_rng(0)
    query, memory = random.normal(size=(BATCH, QUERIES, UNITS)), random.normal(size=(BATCH, TIME, 6))
    layer.build(query.shape, memory.shape)
    layer.set_weights([random.normal(size=w.shape) for w in layer.weights])
    weights = {w.path.split("/", 1)[-1]: np.asarray(w) for w in layer.weights}
    wanted = softmax(scores_of(query, memory, weights))
    for keys in (None, layer.project(memory)):
        context, alignment = layer(query, memory, keys=keys, mask=MASK)
        np.testing.assert_allclose(alignment, wanted, atol=1e-6)
        np.testing.assert_allclose(context, wanted @ memory, atol=1e-5)
    assert np.all(np.asarray(alignment)[1, :, 2:] == 0)


@pytest.mark.parametrize("scaled", [False, True])
def test_luong(scaled):
    def scores(query, memory, weights):
        raw = np.einsum("bqu,btu->bqt", query, memory @ weights["memory/kernel"])
        return raw / np.sqrt(UNITS) if scaled else raw

    check(LuongAttention(UNITS, scaled=scaled, dtype="float64"), scores)


@pytest.mark.parametrize("normalised", [False, True])
def test_bahdanau(normalised):
    def scores(query, memory, weights):
        summed = (query @ weights["query/kernel"])[:, :, None] + (memory @ weights["memory/kernel"])[:, None]
        v = weights["scale"]
        if normalised:
            summed, v = summed + weights["bias"], weights["gain"] * v / np.linalg.norm(v)
        return np.tanh(summed) @ v

    check(BahdanauAttention(UNITS, normalised=normalised, dtype="float64"), scores)


def test_queries_of_another_width_are_named():
    with pytest.raises(ValueError, match=r"LuongAttention\(4\) takes queries of that width, found \(2, 3, 7\)"):
        LuongAttention(4).build((2, 3, 7), (2, 5, 6))
