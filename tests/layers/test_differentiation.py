"""Ways of differentiating: forwards, twice, and with a tape that the layer is not told of."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from rnn_tasks import layers
from rnn_tasks.layers.fused import choose_for_layer

BATCH, TIME, FEATURES, UNITS, MEMORY = 3, 5, 4, 6, 7
RANDOM = np.random.default_rng(0)
INPUTS, TANGENT = (tf.constant(RANDOM.normal(size=(BATCH, TIME, FEATURES)), tf.float32) for _ in range(2))
ATTENDED = tf.constant(RANDOM.normal(size=(BATCH, MEMORY, 8)), tf.float32)
MASK = tf.sequence_mask([5, 2, 0], TIME)


def decoder(attention):
    return layers.RNN(
        layers.AttentionWrapper(layers.LSTMCell(UNITS), attention, attention_units=3, activation="tanh"),
        return_sequences=True,
    )


LAYERS = {
    "LSTM": lambda: layers.LSTM(UNITS, return_sequences=True),
    "GRU": lambda: layers.GRU(UNITS),
    "GRU reset before": lambda: layers.GRU(UNITS, reset_after=False, go_backwards=True),
    "SimpleRNN": lambda: layers.SimpleRNN(UNITS),
    "float64": lambda: layers.SimpleRNN(UNITS, dtype="float64"),
    "RNN": lambda: layers.RNN([layers.PeepholeLSTMCell(UNITS), layers.GRUCell(UNITS)]),
    "recomputed": lambda: layers.RNN(layers.LSTMCell(UNITS), recompute_every=2),
    "Bidirectional": lambda: layers.Bidirectional(layers.LSTM(UNITS)),
    "Luong": lambda: decoder(layers.LuongAttention(UNITS)),
    "Bahdanau": lambda: decoder(layers.BahdanauAttention(5)),
}


def made(name, training):
    """A layer's call on masked inputs, and its weights."""
    layer = LAYERS[name]()
    memory = {"memory": ATTENDED} if name in ("Luong", "Bahdanau") else {}

    def call(inputs):
        return tf.cast(layer(inputs, mask=MASK, training=training, **memory), tf.float32)

    call(INPUTS)
    return call, [v.value for v in layer.trainable_variables]


WAYS = [
    *((name, "eager") for name in LAYERS),
    *((name, "function from before") for name in ("GRU reset before", "float64", "recomputed", "Bahdanau")),
    ("LSTM", "function"),
    ("GRU", "inside a graph"),
    ("RNN", "inside a graph"),
]


@pytest.mark.parametrize(("name", "way"), WAYS)
def test_forwards_as_backwards(name, way):
    """Of outputs y with a Jacobian J, u · (J v) forwards is (J' u) · v backwards: v on inputs and every weight."""
    call, weights = made(name, training=True)
    function = call if way in ("eager", "inside a graph") else tf.function(call, autograph=False)
    if way == "function from before":
        function(INPUTS)
    random = np.random.default_rng(1)
    tangents = [TANGENT, *(tf.constant(random.normal(size=w.shape), w.dtype) for w in weights)]

    def forwards(inputs):
        with tf.autodiff.ForwardAccumulator([inputs, *weights], tangents) as accumulator:
            outputs = function(inputs)
        return accumulator.jvp(outputs)

    derivative = (tf.function(forwards, autograph=False) if way == "inside a graph" else forwards)(INPUTS)
    weighting = tf.constant(random.normal(size=derivative.shape), tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(INPUTS)
        target = tf.reduce_sum(weighting * call(INPUTS))
    backwards = [tf.cast(gradient, tf.float64) for gradient in tape.gradient(target, [INPUTS, *weights])]
    wanted = sum(tf.reduce_sum(g * tf.cast(v, tf.float64)) for g, v in zip(backwards, tangents, strict=True))
    np.testing.assert_allclose(tf.reduce_sum(weighting * derivative), wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kind", ["LSTM", "SimpleRNN"])
def test_forwards_over_backwards_as_keras_has_it(kind):
    """The product of a Hessian with a vector."""
    ours, theirs = (getattr(package, kind)(UNITS, return_sequences=True) for package in (layers, keras.layers))
    for layer in (ours, theirs):
        layer.build(INPUTS.shape)
    theirs.set_weights(ours.get_weights())

    def product(layer):
        with tf.autodiff.ForwardAccumulator(INPUTS, TANGENT) as accumulator:
            with tf.GradientTape() as tape:
                tape.watch(INPUTS)
                target = tf.reduce_sum(layer(INPUTS, training=True) ** 2)
            gradient = tape.gradient(target, INPUTS)
        return accumulator.jvp(gradient)

    np.testing.assert_allclose(product(ours), product(theirs), atol=1e-5)


def test_forwards_over_an_unknown_time_is_refused():
    layer = layers.LSTM(UNITS, name="reader")
    layer.build(INPUTS.shape)

    @tf.function(input_signature=[tf.TensorSpec((BATCH, None, FEATURES))], autograph=False)
    def derivative(inputs):
        with tf.autodiff.ForwardAccumulator(inputs, tf.ones_like(inputs)) as accumulator:
            outputs = layer(inputs)
        return accumulator.jvp(outputs)

    with pytest.raises(ValueError, match="differentiated forwards inside a graph.*found None"):
        derivative(INPUTS)


@pytest.mark.parametrize(("name", "graph"), [("Luong", True), ("Bahdanau", False)])
def test_second_derivatives_of_a_decoder_as_of_its_steps(name, graph):
    """The gradient of a gradient penalty through the native decoder, and through the same cells step by step."""
    layer = LAYERS[name]()
    stepped = layers.RNN(layer.cell, return_sequences=True, unroll=True)
    seen = tf.sequence_mask([7, 3, 0], MEMORY)
    layer(INPUTS, memory=ATTENDED)
    sources = [INPUTS, ATTENDED, *(v.value for v in layer.trainable_variables)]

    def penalty(rnn):
        with tf.GradientTape() as outer:
            outer.watch(sources)
            with tf.GradientTape() as inner:
                inner.watch(sources)
                target = tf.reduce_sum(rnn(INPUTS, mask=MASK, memory=ATTENDED, memory_mask=seen, training=True) ** 2)
            found = tf.add_n([tf.reduce_sum(gradient**2) for gradient in inner.gradient(target, sources)])
        return outer.gradient(found, sources)

    compute = tf.function(penalty, autograph=False) if graph else penalty
    for found, wanted in zip(compute(layer), penalty(stepped), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-3, atol=1e-5 * np.abs(wanted).max())


def native(function, *arguments):
    """Whether a function's graph holds an operation of ours, at any depth."""
    graph = function.get_concrete_function(*arguments).graph.as_graph_def()
    nodes = [*graph.node, *(node for inner in graph.library.function for node in inner.node_def)]
    return any(node.op.startswith("RnnTasks") for node in nodes)


@pytest.mark.parametrize("name", ["LSTM", "RNN", "recomputed", "Bidirectional", "Luong"])
def test_an_open_tape_takes_the_native_kernel(name):
    call, weights = made(name, training=None)

    @tf.function(autograph=False)
    def step():
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(call(INPUTS) ** 2)
        return tape.gradient(loss, weights)

    assert native(step)
    with tf.GradientTape() as tape:
        assert native(tf.function(call, autograph=False), INPUTS)
        with tape.stop_recording():
            assert not native(tf.function(call, autograph=False), INPUTS)


@pytest.mark.parametrize("name", ["LSTM", "Luong"])
def test_a_function_traced_without_a_tape_differentiates_as_well(name):
    call, weights = made(name, training=None)
    function = tf.function(call, autograph=False)
    assert not native(function, INPUTS)
    gradients = []
    for run in (function, call):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(run(INPUTS) ** 2)
        gradients.append(tape.gradient(loss, weights))
    for found, wanted in zip(*gradients, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)


def test_an_open_tape_is_no_training():
    """Dropout stays off, and is on again where it is asked for."""
    layer = layers.LSTM(UNITS, dropout=0.5, recurrent_dropout=0.5)
    layer.build(INPUTS.shape)
    quiet = layer(INPUTS)
    with tf.GradientTape():
        assert choose_for_layer(layer, layer.step, training=False) == ("native", None)
        np.testing.assert_array_equal(layer(INPUTS), quiet)
        assert np.abs(layer(INPUTS, training=True) - quiet).max() > 0.01


def test_what_is_exported_while_a_tape_is_open_loads_anywhere(tmp_path):
    model = keras.Sequential([keras.Input((TIME, FEATURES)), layers.LSTM(UNITS, return_sequences=True)])
    module = tf.Module()
    module.weights = [v.value for v in model.weights]
    module.model = tf.function(lambda inputs: model(inputs), input_signature=[tf.TensorSpec((None, TIME, FEATURES))])
    with tf.GradientTape():
        model(INPUTS)
        model.export(tmp_path / "exported", verbose=False)
        tf.saved_model.save(module, tmp_path / "saved")
    for name in ("exported", "saved"):
        assert b"RnnTasks" not in (tmp_path / name / "saved_model.pb").read_bytes()
