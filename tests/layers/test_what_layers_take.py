"""Types that Keras casts, sequences without a step, and what is refused in one line."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from rnn_tasks import layers

UNITS, INPUTS = 3, tf.constant(np.random.default_rng(0).normal(size=(3, 5, 4)), tf.float32)
LENGTHS = [3, 5, 0]
STEPS = np.array([[1, 1, 1, 0, 0], [1, 0, 1, 1, 1], [0, 0, 0, 0, 0]])
KINDS = ["LSTM", "GRU", "SimpleRNN"]
LAYERS = {
    **{kind: lambda kind=kind, **options: getattr(layers, kind)(UNITS, **options) for kind in KINDS},
    "RNN": lambda **options: layers.RNN(layers.GRUCell(UNITS), **options),
    "step by step": lambda **options: layers.RNN(layers.LayerNormLSTMCell(UNITS), **options),
    "Bidirectional": lambda **options: layers.Bidirectional(layers.LSTM(UNITS, **options)),
}
MASKS = {
    "int32": STEPS.astype("int32"),
    "int64": STEPS,
    "uint8": tf.constant(STEPS, tf.uint8),
    "float32": tf.constant(2.0 * STEPS, tf.float32),
    "bfloat16": tf.constant(STEPS, tf.bfloat16),
    "list": STEPS.tolist(),
}


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("zeros", [False, True])
def test_masks_of_any_type(name, zeros):
    layer = LAYERS[name](return_sequences=True, zero_output_for_mask=zeros)
    wanted = layer(INPUTS, mask=tf.constant(STEPS, tf.bool), training=True)
    for mask in MASKS.values():
        np.testing.assert_array_equal(layer(INPUTS, mask=mask, training=True), wanted)
    in_a_graph = tf.function(lambda inputs: layer(inputs, mask=MASKS["int64"]), autograph=False)
    np.testing.assert_allclose(in_a_graph(INPUTS), wanted, atol=1e-6)


@pytest.mark.parametrize("name", ["RNN", "step by step", "Bidirectional"])
@pytest.mark.parametrize("take", [tuple, np.int64, np.uint8, lambda given: tf.constant(given, tf.int64), tf.Variable])
def test_lengths_of_any_whole_type(name, take):
    layer = LAYERS[name](return_sequences=True)
    wanted = layer(INPUTS, mask=tf.sequence_mask(LENGTHS, 5))
    np.testing.assert_array_equal(layer(INPUTS, sequence_length=take(LENGTHS)), wanted)
    np.testing.assert_array_equal(layers.SequenceMask()(INPUTS, lengths=take(LENGTHS)), tf.sequence_mask(LENGTHS, 5))


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("mode", ["inference", "training", "graph"])
def test_no_step_leaves_the_states(name, mode):
    """As a loop of no steps: no outputs, zeros for the last, states as they were."""
    nothing, ones = tf.zeros((3, 0, 4)), tf.ones((3, UNITS))
    for sequences in (False, True):
        layer = LAYERS[name](return_sequences=sequences, return_state=True)
        count = len(layer(INPUTS)) - 1
        call = tf.function(layer, autograph=False) if mode == "graph" else layer
        output, *states = call(nothing, initial_state=[ones] * count, training=mode == "training")
        width = UNITS * (1 + (name == "Bidirectional"))
        np.testing.assert_array_equal(output, np.zeros((3, 0, width) if sequences else (3, width)))
        np.testing.assert_array_equal(states, [ones] * count)


@pytest.mark.parametrize("name", ["LSTM", "SimpleRNN", "RNN"])
@pytest.mark.parametrize("options", [{"unroll": True}, {"go_backwards": True}, {"stateful": True}])
def test_no_step_however_it_is_taken(name, options):
    layer = LAYERS[name](**options)
    layer(INPUTS)
    np.testing.assert_array_equal(layer(tf.zeros((3, 0, 4))), np.zeros((3, UNITS)))


@pytest.mark.parametrize("kind", KINDS)
def test_no_step_of_an_unknown_number(kind):
    """A portable graph that is traced for any number of steps may meet none."""
    layer = LAYERS[kind]()
    layer.build(INPUTS.shape)
    call = tf.function(layer, input_signature=[tf.TensorSpec((3, None, 4))], autograph=False)
    np.testing.assert_array_equal(call(tf.zeros((3, 0, 4))), np.zeros((3, UNITS)))


@pytest.mark.parametrize("name", LAYERS)
def test_a_smaller_last_batch_of_a_stateful_layer(name):
    layer = LAYERS[name](stateful=True)
    layer(INPUTS)
    for mode in ("eager", "graph"):
        call = tf.function(layer, autograph=False) if mode == "graph" else layer
        with pytest.raises(ValueError, match="is stateful with a batch size of 3, .*; found a batch size of 2"):
            call(INPUTS[:2])


STREAMS = {
    "layer": lambda **options: layers.LSTM(UNITS, **options),
    "cell": lambda **options: layers.RNN(layers.LSTMCell(UNITS), **options),
}


@pytest.mark.parametrize("kind", STREAMS)
def test_a_smaller_last_batch_that_only_the_run_knows(kind):
    layer = STREAMS[kind](stateful=True, name="stream")
    layer(INPUTS)
    call = tf.function(layer, input_signature=[tf.TensorSpec((None, 5, 4))], autograph=False)
    np.testing.assert_array_equal(call(INPUTS).shape, (3, UNITS))
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"stream is stateful with a batch size of 3.*\[2\]"):
        call(INPUTS[:2])


@pytest.mark.parametrize("name", LAYERS)
def test_what_is_not_dense_is_refused(name):
    """As Keras does, in words."""
    layer = LAYERS[name]()
    ragged = tf.RaggedTensor.from_tensor(INPUTS, lengths=[5, 2, 3])
    with pytest.raises(ValueError, match=r"takes sequences as a dense tensor, found a RaggedTensor: .*row_lengths"):
        layer(ragged)
    with pytest.raises(ValueError, match="takes sequences as a dense tensor, found a SparseTensor"):
        layer(tf.sparse.from_dense(INPUTS))
    with pytest.raises(ValueError, match="takes mask as a dense tensor, found a RaggedTensor"):
        layer(INPUTS, mask=tf.RaggedTensor.from_tensor(STEPS))


@pytest.mark.parametrize("cell", [layers.LSTMCell(3), layers.LayerNormLSTMCell(3), keras.layers.GRUCell(3)], ids=repr)
@pytest.mark.parametrize("shape", [(3, 4), (3,)])
def test_sequences_without_time_or_features(cell, shape):
    with pytest.raises(ValueError, match=r"reader takes sequences \(batch, time, features\), found \(3,"):
        layers.RNN(cell, name="reader")(tf.ones(shape))


@pytest.mark.parametrize("name", ["LSTM", "RNN"])
@pytest.mark.parametrize("training", [False, True])
def test_other_features_than_it_was_built_for(name, training):
    layer = LAYERS[name]()
    layer(INPUTS)
    with pytest.raises(ValueError, match=r"takes sequences .* = \(None, None, 4\), found \(3, 5, 2\)"):
        layer(INPUTS[:, :, :2], training=training)
