"""Every wrapper as it is used: saved, compiled, in half precision; and the errors of what cannot be wrapped."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from rnn_tasks.layers import DeviceWrapper, DropoutWrapper, HighwayWrapper, LSTMCell, MultiRNNCell, ResidualWrapper
from tests.layers.nests import (
    CELLS,
    EVERY,
    HOLES,
    MEMORY_MASK,
    MEMORY_TIME,
    WIDTH,
    WRAPPERS,
    attended,
    attends,
    built,
    flat,
    inputs,
    plain,
    precision,
)


@EVERY
def test_saves_and_loads(cell, tmp_path):
    sequences, memory = inputs()
    layer = built(CELLS[cell]())
    ins = [keras.Input((None, WIDTH)), keras.Input((MEMORY_TIME, 4)), keras.Input((MEMORY_TIME,), dtype="bool")]
    given = {"memory": ins[1], "memory_mask": ins[2]} if attends(layer.cell) else {}
    results = keras.tree.flatten(layer(ins[0], **given))
    assert [result.shape[-1] for result in results][1:] == [
        part.shape[-1] for part in flat(layer(sequences, **attended(layer, memory)))
    ][1:]
    model = keras.Model(ins if given else ins[:1], results)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    data = [sequences, memory, MEMORY_MASK][: len(model.inputs)]
    for found, wanted in zip(again(data), model(data), strict=True):
        np.testing.assert_array_equal(found, wanted)


@EVERY
def test_a_compiled_training_step_is_the_plain_one(cell):
    sequences, memory = inputs()
    layer = built(CELLS[cell]())
    keep_all = {"input_keep_prob": 1.0, "output_keep_prob": 1.0, "state_keep_prob": 1.0}
    for wrapper in layer._flatten_layers():
        if isinstance(wrapper, DropoutWrapper):  # its masks are another matter
            vars(wrapper).update(keep_all)

    def gradients(sequences, memory, mask):
        with tf.GradientTape() as tape:
            outputs, *states = layer(sequences, mask=mask, training=True, **attended(layer, memory))
            loss = tf.reduce_sum(outputs**2) + sum(tf.reduce_sum(state) for state in keras.tree.flatten(states))
        return loss, tape.gradient(loss, [weight.value for weight in layer.trainable_weights])

    data = tf.constant(sequences, tf.float32), tf.constant(memory, tf.float32), tf.constant(HOLES)
    for found, wanted in zip(
        tf.nest.flatten(tf.function(gradients, jit_compile=True)(*data)), tf.nest.flatten(gradients(*data)), strict=True
    ):
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-4)


@EVERY
def test_half_precision_is_near_and_keeps_its_weights_whole(cell):
    sequences, memory = inputs()
    results = {}
    for policy in ("float32", "mixed_bfloat16"):
        with precision(policy):
            layer = built(CELLS[cell]())
            results[policy] = layer(sequences, mask=HOLES, **attended(layer, memory))
            assert {weight.dtype for weight in layer.weights} == {"float32"}
    for half, whole in zip(*(keras.tree.flatten(r) for r in reversed(results.values())), strict=True):
        assert half.dtype == tf.bfloat16
        np.testing.assert_allclose(tf.cast(half, tf.float32), whole, atol=0.08)


@pytest.mark.parametrize("wrap", [name for name in WRAPPERS if name != "dropout"])
@pytest.mark.parametrize(("outer", "inner"), [("mixed_bfloat16", "float32"), ("float32", "mixed_bfloat16")])
def test_a_cell_of_another_precision_than_its_wrapper(wrap, outer, inner):
    sequences, memory = inputs()
    with precision(inner):
        cell = LSTMCell(WIDTH)
    with precision(outer):
        layer = built(WRAPPERS[wrap](cell))
        run = layer(sequences, mask=HOLES, **attended(layer, memory))
        layer.unroll = True
        stepped = layer(sequences, mask=HOLES, **attended(layer, memory))
    for one, other in zip(keras.tree.flatten(run), keras.tree.flatten(stepped), strict=True):
        assert one.dtype == other.dtype == layer.compute_dtype
        np.testing.assert_allclose(tf.cast(one, tf.float32), tf.cast(other, tf.float32), atol=0.08)


@pytest.mark.parametrize("wrap", [ResidualWrapper, HighwayWrapper])
def test_widths_that_do_not_fit_are_named(wrap):
    with pytest.raises(ValueError, match="inputs of 5 and outputs of 4"):
        wrap(plain(4)).build((None, 5))


def test_what_is_no_cell_and_no_device_is_named():
    with pytest.raises(ValueError, match="ResidualWrapper wraps a cell, .* found <Dense"):
        ResidualWrapper(keras.layers.Dense(3))
    with pytest.raises(ValueError, match="nowhere"):
        DeviceWrapper(plain(), "nowhere")
    with pytest.raises(ValueError, match="found none"):
        MultiRNNCell([])
