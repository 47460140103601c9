"""Recomputing in chunks: the same numbers as without."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from rnn_tasks import layers

BATCH, TIME, FEATURES, UNITS = 3, 11, 4, 5
CELLS = {
    "lstm": lambda: layers.LSTMCell(UNITS, bias_initializer="random_normal", seed=1),
    "stack": lambda: layers.MultiRNNCell(
        [layers.GRUCell(UNITS), layers.ResidualWrapper(layers.PeepholeLSTMCell(UNITS))]
    ),
    "stepped": lambda: layers.LayerNormLSTMCell(UNITS),
}


def outcome(layer, inputs, mask):
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        results = tf.nest.flatten(layer(inputs, mask=mask, training=True))
        random = np.random.default_rng(5)
        target = tf.add_n([tf.reduce_sum(result * random.normal(size=result.shape)) for result in results])
    return results, tape.gradient(target, [inputs, *[v.value for v in layer.trainable_variables]])


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize(("every", "graph"), [(1, False), (4, True), (50, False)])
def test_same_outputs_states_and_gradients(cell, every, graph):
    keras.utils.set_random_seed(1)
    plain = layers.RNN(CELLS[cell](), return_sequences=True, return_state=True)
    chunked = layers.RNN(CELLS[cell](), return_sequences=True, return_state=True, recompute_every=every)
    for layer in (plain, chunked):
        layer.build((BATCH, TIME, FEATURES))
    chunked.set_weights(plain.get_weights())
    inputs = tf.random.stateless_normal((BATCH, TIME, FEATURES), [1, 2])
    mask = tf.sequence_mask([TIME, 6, 2], TIME)
    found = (tf.function(outcome) if graph else outcome)(chunked, inputs, mask)
    for found_part, wanted_part in zip(found, outcome(plain, inputs, mask), strict=True):
        for a, b in zip(found_part, wanted_part, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=2e-5)


def test_survives_its_config():
    layer = layers.RNN(layers.LSTMCell(3), recompute_every=7)
    assert layers.RNN.from_config(layer.get_config()).recompute_every == 7


@pytest.mark.parametrize(
    ("cell", "options", "message"),
    [
        (lambda: layers.LSTMCell(3), {"recompute_every": 0}, "every 1 step or more, found 0"),
        (lambda: layers.LSTMCell(3, dropout=0.1), {"recompute_every": 5}, "put Dropout layers around it"),
        (lambda: layers.DropoutWrapper(layers.GRUCell(3), 0.5), {"recompute_every": 5}, "put Dropout layers around it"),
        (lambda: layers.LSTMCell(3), {"recompute_every": 5, "unroll": True}, "neither with unroll"),
    ],
)
def test_what_does_not_go_together_is_refused(cell, options, message):
    with pytest.raises(ValueError, match=message):
        layers.RNN(cell(), **options)
