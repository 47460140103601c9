"""Every wrapper, alone and inside others, against NumPy in float64, in every way a sequence can go through it."""

import contextlib

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rnn_tasks.layers import RNN, LSTMCell, OutputProjectionWrapper
from tests.layers.nests import (
    BATCH,
    CELLS,
    EVERY,
    HOLES,
    LEAVES,
    LENGTHS,
    MEMORY_MASK,
    TIME,
    WIDTH,
    WRAPPERS,
    agree,
    attended,
    attends,
    built,
    expected,
    flat,
    inputs,
    precision,
)


@EVERY
@pytest.mark.parametrize("mask", [None, np.arange(TIME) < LENGTHS[:, None], HOLES], ids=["all", "padded", "holes"])
def test_the_same_as_numpy_run_and_unrolled_and_in_keras(cell, mask):
    sequences, memory = inputs()
    with precision("float64"):
        layer = built(CELLS[cell]())
        wanted = expected(layer, sequences, memory, mask)
        agree(layer(sequences, mask=mask, **attended(layer, memory)), wanted)
        layer.unroll = True
        agree(layer(sequences, mask=mask, **attended(layer, memory)), wanted)
        theirs = keras.layers.RNN(layer.cell, return_sequences=True, return_state=True)
        with layer._attending(*([memory, MEMORY_MASK] if attends(layer.cell) else [None, None])):
            agree(theirs(sequences, mask=mask), wanted)


@EVERY
def test_gradients_are_the_slopes(cell):
    """Of inputs, memory, first states and weights, along a random direction in float64, masked."""
    sequences, memory = inputs()
    random = np.random.default_rng(2)
    with precision("float64"):
        layer = built(CELLS[cell]())
        weights = [weight.value for weight in layer.trainable_weights]
        with layer._attending(memory, MEMORY_MASK) if attends(layer.cell) else contextlib.nullcontext():
            shapes = [np.shape(state) for state in keras.tree.flatten(layer.get_initial_state(BATCH))]
        arguments = [
            sequences,
            memory,
            *(random.normal(size=shape) for shape in shapes),
            *(weight.numpy() for weight in weights),
        ]
        direction = [random.normal(size=np.shape(argument)) for argument in arguments]
        probe = random.normal(size=99)

        def value(sequences, memory, *others):
            for weight, new in zip(weights, others[len(shapes) :], strict=True):
                if not isinstance(new, tf.Variable):
                    weight.assign(new)
            memory = attended(layer, memory)
            results = layer(sequences, initial_state=list(others[: len(shapes)]), mask=HOLES, **memory)
            return sum(tf.reduce_sum(r * p) for r, p in zip(keras.tree.flatten(results), probe, strict=False))

        with tf.GradientTape() as tape:
            free = [tf.constant(argument) for argument in arguments[: 2 + len(shapes)]]
            tape.watch(free)
            total = value(*free, *weights)
        gradients = tape.gradient(total, [*free, *weights], unconnected_gradients="zero")
        analytic = sum(np.sum(np.asarray(g) * d) for g, d in zip(gradients, direction, strict=True))
        ahead, behind = (
            value(*(a + sign * 1e-6 * d for a, d in zip(arguments, direction, strict=True))) for sign in (1, -1)
        )
    assert all(np.any(np.asarray(gradient)) for gradient in gradients[2 + len(shapes) :])
    np.testing.assert_allclose(analytic, (ahead - behind) / 2e-6, rtol=1e-6)


@EVERY
def test_padding_changes_nothing_and_no_step_is_no_step(cell):
    sequences, memory = inputs()
    with precision("float64"):
        layer = built(CELLS[cell]())
        given = attended(layer, memory)
        padding = np.full((BATCH, 3, WIDTH), 7.0)
        outputs, *states = flat(layer(np.hstack([sequences, padding]), sequence_length=LENGTHS, **given))
        for length in (0, 1, 2):
            sample = list(LENGTHS).index(length)
            short, *final = flat(layer(sequences[:, :length], **given))
            assert short.shape == (BATCH, length, outputs.shape[-1])
            np.testing.assert_allclose(outputs[sample, :length], short[sample], atol=1e-12)
            for found, wanted in zip(states, final, strict=True):
                np.testing.assert_allclose(found[sample], wanted[sample], atol=1e-12)
                assert length or not np.any(wanted)
        layer.unroll = True
        assert not any(np.any(result) for result in flat(layer(sequences[:, :0], **given)))


@EVERY
def test_halves_of_a_stream_are_the_whole_and_reset_starts_anew(cell):
    sequences, memory = inputs()
    with precision("float64"):
        layer = built(CELLS[cell](), stateful=True)
        given = attended(layer, memory)
        wanted = expected(layer, sequences, memory)
        halves = [layer(part, **given) for part in (sequences[:, :2], sequences[:, 2:])]
        agree([np.concatenate([half[0] for half in halves], axis=1), *halves[1][1:]], wanted)
        reset = np.array([True, False, False, True])
        found = flat(layer(sequences, reset=reset, **given))
        carried = flat(expected(layer, np.concatenate([sequences, sequences], axis=1), memory))
        carried[0] = carried[0][:, TIME:]
        for part, fresh, old in zip(found, wanted, carried, strict=True):
            np.testing.assert_allclose(
                part, np.where(reset.reshape([-1] + [1] * (part.ndim - 1)), fresh, old), atol=1e-10
            )
        layer.reset_state()
        agree(layer(sequences, **given), wanted)


@pytest.mark.parametrize("cell", [name for name in CELLS if not attends(CELLS[name]())])
def test_both_ways(cell):
    sequences, _ = inputs()
    mask = np.arange(TIME) < LENGTHS[:, None]
    with precision("float64"):
        layer = keras.layers.Bidirectional(RNN(CELLS[cell](), return_sequences=True))
        found = layer(sequences, mask=mask)
        forward = expected(layer.forward_layer, sequences, None, mask)[0]
        backward = expected(layer.backward_layer, sequences[:, ::-1], None, mask[:, ::-1])[0][:, ::-1]
    np.testing.assert_allclose(
        found, np.where(mask[:, :, None], np.concatenate([forward, backward], -1), 0), atol=1e-10
    )


# Names of wrappers around names of cells, of one width everywhere: any of them fits into any other.
NESTS = st.recursive(
    st.sampled_from(sorted(LEAVES)),
    lambda inner: (
        st.tuples(st.sampled_from(sorted(set(WRAPPERS) - {"stack"})), inner) | st.tuples(st.just("stack"), inner, inner)
    ),
    max_leaves=3,
)


def made(nest):
    return LEAVES[nest](WIDTH) if isinstance(nest, str) else WRAPPERS[nest[0]](*map(made, nest[1:]))


@settings(max_examples=15, deadline=None)
@example(("attention", ("highway", "Keras'")), 2, 5, False)
@example(("context", ("residual", "ours")), 2, 5, True)
@given(NESTS, st.integers(0, 3), st.integers(0, 2 ** (3 * BATCH) - 1), st.booleans())
def test_any_nest_of_any_shape(nest, time, bits, unroll):
    mask = np.array([bits >> i & 1 for i in range(BATCH * time)], bool).reshape(BATCH, time)
    sequences, memory = inputs(time)
    with precision("float64"):
        layer = built(made(nest), unroll=unroll)
        again = RNN.from_config(layer.get_config())
        again.build(sequences.shape, **({"memory_shape": memory.shape} if attends(again.cell) else {}))
        again.set_weights(layer.get_weights())
        agree(again(sequences, mask=mask, **attended(again, memory)), expected(layer, sequences, memory, mask))


def test_projecting_in_the_cell_or_all_steps_at_once_is_one_function():
    sequences, _ = inputs()
    with precision("float64"):
        inside = built(OutputProjectionWrapper(LSTMCell(3), 2))
        outside = built(LSTMCell(3))
        outside.set_weights(inside.get_weights()[:3])
        at_once = keras.layers.Dense(2)
        at_once.build((None, 3))
        at_once.set_weights(inside.get_weights()[3:])
        outputs = tf.reshape(outside(sequences)[0], (BATCH * TIME, 3))
        for inside.unroll in (False, True):
            np.testing.assert_allclose(inside(sequences)[0], tf.reshape(at_once(outputs), (BATCH, TIME, 2)), atol=1e-12)
