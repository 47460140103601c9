"""The native decoder with input feeding against the same wrapper step by step."""

import numpy as np
import pytest
import tensorflow as tf

from rnn_tasks import layers
from rnn_tasks.layers import cell_run
from rnn_tasks.layers.kernels.build import library

BATCH, TIME, MEMORY, FEATURES, UNITS, WIDTH = 4, 6, 5, 3, 7, 9


def decoder(dtype="float32", **options):
    given = {"scaled": True, "score": "general", "activation": "tanh", "use_bias": True, "vector": 8, **options}
    cell = layers.LSTMCell(UNITS, bias_initializer="random_normal", use_bias=given["use_bias"], dtype=dtype)
    if "normalised" in given:
        attention = layers.BahdanauAttention(11, normalised=given["normalised"], dtype=dtype)
    else:
        attention = layers.LuongAttention(UNITS, scaled=given["scaled"], score=given["score"], dtype=dtype)
    wrapper = layers.AttentionWrapper(
        cell, attention, attention_units=given["vector"], activation=given["activation"], dtype=dtype
    )
    return layers.RNN(wrapper, return_sequences=True, return_state=True, dtype=dtype)


def outcome(rnn, inputs, memory, state, mask, seen):
    with tf.GradientTape() as tape:
        tape.watch([inputs, memory, *state])
        results = rnn(inputs, initial_state=list(state), mask=mask, memory=memory, memory_mask=seen, training=True)
        results = [tf.cast(result, tf.float32) for result in tf.nest.flatten(results)]
        random = np.random.default_rng(5)
        target = tf.add_n([tf.reduce_sum(result * random.normal(size=result.shape)) for result in results])
    weights = [v.value for v in rnn.trainable_variables]
    zero = tf.UnconnectedGradients.ZERO
    return results, tape.gradient(target, [inputs, memory, *state, *weights], unconnected_gradients=zero)


def drawn(vector, memory_units=WIDTH):
    random = np.random.default_rng(3)
    shapes = [(TIME, FEATURES), (MEMORY, memory_units), (UNITS,), (UNITS,), (vector,), (MEMORY,)]
    inputs, memory, *state = (tf.constant(random.normal(size=(BATCH, *shape)), tf.float32) for shape in shapes)
    return inputs, memory, state


@pytest.mark.parametrize(
    ("options", "mask", "seen"),
    [
        ({}, None, None),
        ({"activation": None, "scaled": False, "use_bias": False}, [6, 3, 0, 1], [5, 2, 0, 1]),
        ({"score": "dot", "vector": 33}, [6, 3, 0, 1], None),
        ({"normalised": False}, None, None),
        ({"normalised": False, "activation": None}, [6, 3, 0, 1], [5, 2, 0, 1]),
        ({"normalised": True, "vector": 33}, [6, 3, 0, 1], [5, 2, 0, 1]),
    ],
)
def test_same_numbers_as_step_by_step(monkeypatch, options, mask, seen):
    inputs, memory, state = drawn(options.get("vector", 8), UNITS if "score" in options else WIDTH)
    mask = None if mask is None else tf.sequence_mask(mask, TIME)[:, ::-1]  # holes at the start
    seen = None if seen is None else tf.sequence_mask(seen, MEMORY)
    rnn = decoder(**options)
    outcome(rnn, inputs, memory, state, mask, seen)
    assert rnn.cell.reason_against_kernel(training=True) is None
    found = outcome(rnn, inputs, memory, state, mask, seen)
    monkeypatch.setattr(cell_run, "reason_against", lambda dtype, training: "this test asks for the other")
    wanted = outcome(rnn, inputs, memory, state, mask, seen)
    for found_part, wanted_part in zip(found, wanted, strict=True):
        for a, b in zip(found_part, wanted_part, strict=True):
            np.testing.assert_allclose(a, b, atol=2e-5)


@pytest.mark.skipif(not library().bfloat16, reason="this processor or compiler has no products of bfloat16")
@pytest.mark.parametrize("options", [{}, {"normalised": True}])
def test_bfloat16_is_float32_with_rounded_products(options):
    inputs, memory, state = drawn(8)
    given = inputs, memory, state, None, tf.sequence_mask([5, 2, 0, 1], MEMORY)
    exact, rounded = decoder(**options), decoder(dtype="mixed_bfloat16", **options)
    for rnn in (exact, rounded):
        outcome(rnn, *given)
        assert rnn.cell.reason_against_kernel(training=True) is None
    rounded.set_weights(exact.get_weights())
    for found, wanted in zip(outcome(rounded, *given)[1], outcome(exact, *given)[1], strict=True):
        if np.any(wanted):
            assert 1e-5 < np.linalg.norm(np.float32(found) - wanted) / np.linalg.norm(wanted) < 0.03
        else:  # the alignment before the first step, which every sample leaves behind
            assert not np.any(found)


@pytest.mark.parametrize("attention", [layers.LuongAttention(70), layers.BahdanauAttention(83)], ids=repr)
def test_several_threads_and_sizes_around_the_tiles(attention):
    random = np.random.default_rng(4)
    rnn = layers.RNN(
        layers.AttentionWrapper(layers.LSTMCell(70), attention, attention_units=130, activation="tanh"),
        return_sequences=True,
    )
    stepped = layers.RNN(rnn.cell, return_sequences=True, unroll=True)
    inputs, memory = (tf.constant(random.normal(size=shape), tf.float32) for shape in [(13, 9, 33), (13, 21, 65)])

    def gradients(layer):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(layer(inputs, memory=memory, training=True) ** 2)
        return loss, tape.gradient(loss, [v.value for v in layer.trainable_variables])

    rnn(inputs, memory=memory)
    (found, found_gradients), (wanted, wanted_gradients) = gradients(rnn), gradients(stepped)
    np.testing.assert_allclose(found, wanted, rtol=1e-5)
    for a, b in zip(found_gradients, wanted_gradients, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5 * np.abs(b).max() + 1e-6)


class OwnAttention(layers.LuongAttention):
    """Whatever a user makes of it."""


def test_what_it_does_not_do_goes_step_by_step_and_says_so():
    def reason(cell, attention, **options):
        return layers.AttentionWrapper(cell, attention, **options).reason_against_kernel(training=True)

    vectors = {"attention_units": 4}
    assert "not GRUCell" in reason(layers.GRUCell(3), layers.LuongAttention(3), **vectors)
    assert "not OwnAttention" in reason(layers.LSTMCell(3), OwnAttention(3), **vectors)
    assert "attention_units" in reason(layers.LSTMCell(3), layers.LuongAttention(3))
    assert "relu" in reason(layers.LSTMCell(3), layers.LuongAttention(3), **vectors, activation="relu")
    assert "no dropout" in reason(layers.LSTMCell(3, dropout=0.1), layers.LuongAttention(3), **vectors)
    assert "not in float64" in reason(
        layers.LSTMCell(3, dtype="float64"), layers.LuongAttention(3, dtype="float64"), **vectors, dtype="float64"
    )
