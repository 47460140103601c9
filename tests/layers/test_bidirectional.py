"""Lengths through both ways: against the two ways taken by themselves over each sequence without its padding."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from rnn_tasks import layers

BATCH, TIME, FEATURES, UNITS = 4, 5, 3, 2
LENGTHS = np.array([5, 3, 1, 0])
INPUTS = np.random.default_rng(7).normal(size=(BATCH, TIME, FEATURES)).astype("float32")
KINDS = {
    "lstm": layers.LSTM,
    "gru": layers.GRU,
    "any cell": lambda units, **options: layers.RNN(layers.PeepholeLSTMCell(units), **options),
    "of Keras": keras.layers.LSTM,
}
EVERY = pytest.mark.parametrize("kind", KINDS)


def both_ways(kind, **options):
    layer = layers.Bidirectional(KINDS[kind](UNITS, **options))
    layer.build(INPUTS.shape)
    return layer


def agree(found, wanted):
    np.testing.assert_allclose(found, wanted, atol=1e-6)


@EVERY
@pytest.mark.parametrize("compiled", [False, True])
def test_each_sequence_as_without_its_padding(kind, compiled):
    layer = both_ways(kind, return_sequences=True, return_state=True)
    call = tf.function(layer) if compiled else layer
    outputs, *states = call(tf.constant(INPUTS), sequence_length=tf.constant(LENGTHS))
    half = len(states) // 2
    for row, length in enumerate(LENGTHS[:3]):
        alone = INPUTS[row : row + 1, :length]
        forward, *ahead = layer.forward_layer(alone)
        backward, *back = layer.backward_layer(alone)
        agree(outputs[row, :length], np.concatenate([forward, np.flip(backward, 1)], -1)[0])
        agree([state[row] for state in states], [state[0] for state in [*ahead[:half], *back[:half]]])
    assert not np.any(np.where(np.arange(TIME) < LENGTHS[:, None], 0, np.any(outputs, axis=-1)))
    assert not np.any([state[3] for state in states])


@EVERY
def test_last_output_and_a_mask_besides(kind):
    layer, mask = both_ways(kind), np.arange(TIME) % 2 == 0
    found = layer(INPUTS, mask=np.tile(mask, (BATCH, 1)), sequence_length=[TIME] * 3 + [1])
    agree(found[:3], layer(INPUTS[:3, mask]))
    agree(found[3:], layer(INPUTS[3:, :1]))


@pytest.mark.parametrize("merge_mode", ["concat", None])
@pytest.mark.parametrize("return_state", [False, True])
def test_outputs_carry_the_lengths_as_a_mask(merge_mode, return_state):
    inner = layers.GRU(UNITS, return_sequences=True, return_state=return_state)
    results = layers.Bidirectional(inner, merge_mode=merge_mode)(INPUTS, sequence_length=LENGTHS)
    outputs = results[:2] if merge_mode is None else [results[0] if return_state else results]
    for output in outputs:
        assert output.shape == (BATCH, TIME, UNITS if merge_mode is None else 2 * UNITS)
        np.testing.assert_array_equal(output._keras_mask, np.arange(TIME) < LENGTHS[:, None])


def test_model_of_lengths_saved_and_loaded(tmp_path):
    sequences, lengths = keras.Input((None, FEATURES)), keras.Input((), dtype="int32")
    encoded = layers.Bidirectional(layers.LSTM(UNITS, return_sequences=True))(sequences, sequence_length=lengths)
    model = keras.Model([sequences, lengths], layers.Bidirectional(layers.GRU(UNITS))(encoded))
    wanted = model([INPUTS, LENGTHS])
    padded = INPUTS + 9 * (np.arange(TIME) >= LENGTHS[:, None])[:, :, None]
    agree(model([padded.astype("float32"), LENGTHS]), wanted)  # the second layer finds the first one's mask
    model.save(tmp_path / "model.keras")
    agree(keras.saving.load_model(tmp_path / "model.keras")([INPUTS, LENGTHS]), wanted)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"sequence_length": [1, 2]}, r"both takes sequence_length \(batch,\) = \(4,\), found \(2,\)"),
        ({"sequence_length": [1.0] * 4}, "both counts sequence_length in whole steps, found float32"),
        ({"mask": np.ones((4, 3), bool)}, r"both takes mask \(batch, time\) = \(4, 5\), found \(4, 3\)"),
    ],
)
def test_wrong_use(given, message):
    layer = layers.Bidirectional(layers.GRU(UNITS), name="both")
    with pytest.raises(ValueError, match=message):
        layer(INPUTS, **given)
