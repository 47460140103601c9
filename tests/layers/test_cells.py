"""Every recurrent cell against NumPy in float64, stepped and at once."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from rnn_tasks.layers.cell_run import choose
from tests.layers import oracles
from tests.layers.cell_cases import (
    BATCH,
    CASES,
    FAST,
    MASKS,
    UNITS,
    WAYS,
    built,
    check,
    numbers,
    through_rnn,
    through_run,
)

pytestmark = pytest.mark.usefixtures("loop_wherever_it_can")

NATIVE = [name for name in CASES if name != "layer norm"]


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("use_bias", [True, False])
def test_one_step(name, use_bias):
    cell, oracle, weights, count = built(name, use_bias=use_bias)
    inputs, states = numbers(count, time=1)
    wanted = oracle(weights, inputs[:, 0], *states)
    output, new = cell(inputs[:, 0], [tf.constant(s) for s in states])
    np.testing.assert_array_equal(output, new[0])
    for state, wanted_state in zip(new, wanted, strict=True):
        np.testing.assert_allclose(state, wanted_state, atol=1e-12)


@pytest.mark.parametrize(("name", "way"), WAYS)
@pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS)
def test_whole_sequence(name, way, mask):
    """Also sequences of length 0 and 1, whose states come back as they were and after one step."""
    cell, oracle, weights, count = built(name)
    inputs, states = numbers(count)
    found, wanted = way(cell, inputs, states, mask), oracles.sequence(oracle, weights, inputs, states, mask)
    check(found, wanted, mask, atol=1e-12)
    if way is through_rnn:
        np.testing.assert_allclose(found[0], wanted[0], atol=1e-12)


@pytest.mark.parametrize(("name", "way"), WAYS)
def test_without_bias_and_with_one_step(name, way):
    cell, oracle, weights, count = built(name, use_bias=False)
    inputs, states = numbers(count, time=1)
    check(way(cell, inputs, states), oracles.sequence(oracle, weights, inputs, states), atol=1e-12)


@pytest.mark.parametrize(("name", "way"), WAYS)
@settings(max_examples=8, deadline=None)
@given(st.data())
def test_padding_never_changes_a_result(name, way, data):
    """Of any shape: each sequence gives what it gives alone, whatever stands behind it."""
    batch, time, features, units = (data.draw(st.integers(1, 4)) for _ in range(4))
    lengths = data.draw(st.lists(st.integers(0, time), min_size=batch, max_size=batch))
    cell, oracle, weights, count = built(name, (features, units))
    inputs, states = numbers(count, batch, time, features, units)
    mask = np.arange(time) < np.array(lengths)[:, None]
    outputs, final = way(cell, np.where(mask[:, :, None], inputs, 1e3), states, mask)
    for row, length in enumerate(lengths):
        alone = [state[row : row + 1] for state in states]
        for t in range(length):
            alone = oracle(weights, inputs[row : row + 1, t], *alone)
            np.testing.assert_allclose(outputs[row : row + 1, t], alone[0], atol=1e-11)
        for state, wanted in zip(final, alone, strict=True):
            np.testing.assert_allclose(state[row : row + 1], wanted, atol=1e-11)


def gradients(way, cell, inputs, states, mask, coefficients):
    """Of a weighted sum of outputs and final states, to inputs, initial states and weights."""
    inputs, states = tf.constant(inputs), [tf.constant(state) for state in states]
    with tf.GradientTape() as tape:
        tape.watch([inputs, *states])
        outputs, final = way(cell, inputs, states, mask)
        target = tf.add_n([tf.reduce_sum(a * b) for a, b in zip([outputs, *final], coefficients, strict=True)])
    return tape.gradient(target, [inputs, *states, *[w.value for w in cell.trainable_weights]])


def check_gradients(cell, oracle, weights, count, way, atol):
    """Against finite differences of the oracle, with features=2, units=3 and padding."""
    mask = np.arange(3) < np.array([[3], [0], [1]])
    inputs, states = numbers(count, 3, 3, 2, 3)
    random = np.random.default_rng(2)
    coefficients = [random.normal(size=(3, 3, 3)) * mask[:, :, None], *(random.normal(size=s.shape) for s in states)]

    def target():
        outputs, final = oracles.sequence(oracle, weights, inputs, states, mask)
        return sum(np.sum(a * b) for a, b in zip([outputs, *final], coefficients, strict=True))

    found = gradients(way, cell, inputs, states, mask, coefficients)
    wanted = oracles.slopes(target, [inputs, *states, *weights.values()])
    for slope, wanted_slope in zip(found, wanted, strict=True):
        np.testing.assert_allclose(slope, wanted_slope, atol=atol)


@pytest.mark.parametrize(("name", "way"), WAYS)
def test_gradient_against_finite_differences(name, way):
    check_gradients(*built(name, (2, 3)), way, atol=1e-8)


@pytest.mark.parametrize("name", NATIVE)
@pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS)
@pytest.mark.parametrize("training", [True, False])
def test_native_kernel(name, mask, training):
    """Whole sequences in float32 against the oracle in float64."""
    cell, oracle, weights, count = built(name, dtype="float32")
    assert choose(cell, cell.step, training) == ("native", None)
    inputs, states = numbers(count)
    found = through_run(cell, inputs, states, mask, training)
    check(found, oracles.sequence(oracle, weights, inputs, states, mask), mask, atol=1e-5)


@pytest.mark.parametrize("name", NATIVE)
def test_native_gradient_against_finite_differences(name):
    check_gradients(*built(name, (2, 3), dtype="float32"), through_run, atol=1e-4)


@pytest.mark.parametrize(("name", "way"), [(name, through_run if name in FAST else through_rnn) for name in CASES])
def test_one_training_step_compiled_by_xla(name, way):
    """Against the same step taken eagerly."""
    cell, *_, count = built(name, dtype="float32")
    inputs, states = numbers(count)
    inputs, states = inputs.astype("float32"), [state.astype("float32") for state in states]
    mask, coefficients = MASKS["right padding"], [MASKS["right padding"][:, :, None].astype("float32"), *states]
    before = [np.asarray(w).copy() for w in cell.trainable_weights]
    eager = gradients(way, cell, inputs, states, mask, coefficients)[1 + count :]

    @tf.function(jit_compile=True)
    def train():
        slopes = gradients(way, cell, inputs, states, mask, coefficients)[1 + count :]
        for weight, slope in zip(cell.trainable_weights, slopes, strict=True):
            weight.assign_sub(0.1 * slope)

    train()
    for weight, start, slope in zip(cell.trainable_weights, before, eager, strict=True):
        np.testing.assert_allclose(weight, start - 0.1 * slope, atol=1e-5)
        assert np.any(np.asarray(slope))


@pytest.mark.parametrize(("name", "way"), WAYS)
def test_mixed_precision_stays_close(name, way):
    cell, oracle, weights, count = built(name, dtype="mixed_bfloat16")
    inputs, states = numbers(count)
    outputs, final = way(cell, inputs.astype("float32"), states)
    assert outputs.dtype == final[0].dtype == tf.bfloat16
    assert cell.kernel.dtype == "float32"
    found = np.asarray(tf.cast(outputs, tf.float32)), [np.asarray(tf.cast(state, tf.float32)) for state in final]
    wanted = oracles.sequence(oracle, weights, inputs, states)
    check(found, wanted, rtol=0.05, atol=0.05 * np.abs(wanted[0]).max())


@pytest.mark.parametrize("name", FAST)
def test_no_step_leaves_the_states_as_they_were(name):
    cell, _, _, count = built(name, dropout=0.5)
    inputs, states = numbers(count, time=0)
    check(through_run(cell, inputs, states, training=True), (np.zeros((BATCH, 0, UNITS)), states))
