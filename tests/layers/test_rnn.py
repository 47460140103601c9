"""RNN over any cell: Keras' numbers, TensorFlow 1's arguments."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from new_process import in_new_process

from rnn_tasks import layers

BATCH, TIME, WIDTH = 4, 5, 3
INPUTS = np.random.default_rng(0).normal(size=(BATCH, TIME, WIDTH)).astype("float32")
LENGTHS = np.array([5, 2, 0, 1])
RIGHT_PADDED = np.arange(TIME) < LENGTHS[:, None]
HOLES = np.array([[1, 0, 1, 1, 0], [0, 0, 1, 0, 1], [0, 0, 0, 0, 0], [1, 1, 1, 1, 1]], bool)


@keras.saving.register_keras_serializable(package="tests")
class BareCell(keras.layers.Layer):
    """No more than Keras asks for: one bare state, no output_size, no get_initial_state, no training."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = self.state_size = units

    def build(self, input_shape):
        self.kernel = self.add_weight(shape=(input_shape[-1], self.units), name="kernel")

    def call(self, inputs, states):
        output = inputs @ self.kernel + 0.5 * states[0]
        return output, output

    def get_config(self):
        return {**super().get_config(), "units": self.units}


CELLS = {
    "ours": lambda: layers.LSTMCell(4),
    "Keras'": lambda: keras.layers.LSTMCell(4),
    "one state": lambda: layers.GRUCell(4),
    "bare": lambda: BareCell(4),
    "stack": lambda: [layers.LSTMCell(4), keras.layers.GRUCell(2), layers.BasicRNNCell(3)],
    "Keras' stack": lambda: keras.layers.StackedRNNCells([keras.layers.SimpleRNNCell(4), keras.layers.GRUCell(2)]),
}
EVERY = pytest.mark.parametrize("cell", CELLS)


def twins(cell, **options):
    ours, theirs = (kind(CELLS[cell](), **options) for kind in (layers.RNN, keras.layers.RNN))
    for layer in (ours, theirs):
        layer.build(INPUTS.shape)
    ours.set_weights([np.random.default_rng(1).normal(size=weight.shape) for weight in theirs.weights])
    theirs.set_weights(ours.get_weights())
    return ours, theirs


def agree(found, wanted, atol=1e-5):
    found, wanted = keras.tree.flatten(found), keras.tree.flatten(wanted)
    assert len(found) == len(wanted)
    for one, other in zip(found, wanted, strict=True):
        assert one.shape == other.shape
        np.testing.assert_allclose(one, other, atol=atol)


@EVERY
@pytest.mark.parametrize("mask", [None, RIGHT_PADDED, HOLES], ids=["all", "padded", "holes"])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"return_state": True},
        {"return_sequences": True, "go_backwards": True},
        {"zero_output_for_mask": True},
        {"return_sequences": True, "zero_output_for_mask": True},
    ],
    ids=lambda options: "+".join(options) or "plain",
)
def test_looped_and_unrolled_as_keras(cell, mask, options):
    ours, theirs = twins(cell, **options)
    wanted = theirs(INPUTS, mask=mask)
    agree(ours(INPUTS, mask=mask), wanted)
    ours.unroll = True
    agree(ours(INPUTS, mask=mask), wanted)


@EVERY
def test_graphs_of_unknown_shapes_and_given_states(cell):
    ours, theirs = twins(cell, return_state=True, return_sequences=True)
    first = theirs(INPUTS)[1:]

    @tf.function(input_signature=[tf.TensorSpec((None, None, WIDTH)), tf.TensorSpec((None,), tf.int32)])
    def call(sequences, lengths):
        return ours(sequences, sequence_length=lengths, initial_state=list(first))

    agree(call(INPUTS, LENGTHS), theirs(INPUTS, initial_state=list(first), mask=RIGHT_PADDED))
    outputs, *states = call(INPUTS[:, :0], LENGTHS * 0)
    assert outputs.shape[:2] == (BATCH, 0)
    agree(states, first)


@EVERY
def test_no_step_gives_zeros(cell):
    ours, _ = twins(cell)
    for ours.unroll in (False, True):
        agree(ours(INPUTS[:, :0]), np.zeros_like(ours(INPUTS)))


def test_lengths_are_a_mask_and_both_hold():
    ours, theirs = twins("ours", return_sequences=True, return_state=True)
    agree(ours(INPUTS, sequence_length=LENGTHS), theirs(INPUTS, mask=RIGHT_PADDED))
    agree(ours(INPUTS, sequence_length=list(LENGTHS), mask=HOLES), theirs(INPUTS, mask=RIGHT_PADDED & HOLES))
    backwards, theirs = twins("ours", go_backwards=True)
    agree(backwards(INPUTS, sequence_length=LENGTHS), theirs(INPUTS, mask=RIGHT_PADDED))


def test_masks_travel():
    """From an embedding through an RNN that is also given a state, and from lengths to the next layer."""
    ids = np.array([[3, 1, 2], [2, 0, 0]])
    embedding = keras.layers.Embedding(4, WIDTH, mask_zero=True)
    cell = layers.LSTMCell(4)
    rnn, state = layers.RNN(cell), [tf.ones((2, 4)), tf.ones((2, 4))]
    wanted = rnn(embedding(ids), initial_state=state, mask=ids != 0)
    agree(rnn(embedding(ids), initial_state=state), wanted)
    vectors = tf.constant(np.asarray(embedding(ids)))
    agree(rnn(vectors, initial_state=state, sequence_length=[3, 1]), wanted)
    lower, upper = layers.RNN(cell, return_sequences=True), layers.RNN(layers.GRUCell(4))
    agree(upper(lower(vectors, sequence_length=[3, 1])), upper(lower(vectors), mask=ids != 0))
    backwards = layers.RNN(cell, return_sequences=True, go_backwards=True)
    np.testing.assert_array_equal(backwards(vectors, sequence_length=[3, 1])._keras_mask, (ids != 0)[:, ::-1])


@EVERY
def test_streams_go_on_and_reset(cell):
    stream, _ = twins(cell, stateful=True)
    fresh = layers.RNN(stream.cell)
    wanted = fresh(INPUTS)
    stream(INPUTS[:, :3])
    agree(stream(INPUTS[:, 3:]), wanted)
    twice = fresh(np.concatenate([INPUTS, INPUTS], axis=1))
    reset = np.array([False, True, True, False])
    agree(stream(INPUTS, reset=reset), np.where(reset[:, None], wanted, twice))
    stream.reset_state()
    agree(stream(INPUTS), wanted)


def test_a_stream_begins_where_a_mask_ends_it():
    stream, _ = twins("ours", stateful=True)
    fresh = layers.RNN(stream.cell)
    stream(INPUTS, sequence_length=LENGTHS)
    found = stream(INPUTS, reset=tf.constant([True, False, True, False]))
    wanted = fresh(INPUTS)
    np.testing.assert_allclose(found[0], wanted[0], atol=1e-6)
    np.testing.assert_allclose(found[1:2], fresh(np.concatenate([INPUTS[1:2, :2], INPUTS[1:2]], axis=1)), atol=1e-6)
    np.testing.assert_allclose(found[2], wanted[2], atol=1e-6)


def test_none_among_the_states_is_their_own_start():
    ours, _ = twins("stack")
    h = tf.ones((BATCH, 4))
    zeros = [tf.zeros((BATCH, width)) for width in (4, 2, 3)]
    wanted = ours(INPUTS, initial_state=[[h, zeros[0]], [zeros[1]], [zeros[2]]])
    agree(ours(INPUTS, initial_state=[[h, None], [None], [None]]), wanted)
    agree(ours(INPUTS, initial_state=[h, None, None, None]), wanted)  # flat
    assert np.abs(wanted - ours(INPUTS)).max() > 1e-3


def functional(cell):
    sequences, lengths = keras.Input((None, WIDTH)), keras.Input((), dtype="int32")
    rnn = layers.RNN(CELLS[cell](), return_sequences=True, return_state=True)
    return keras.Model([sequences, lengths], keras.tree.flatten(rnn(sequences, sequence_length=lengths)))


@EVERY
def test_functional_models_know_their_shapes_save_and_load(cell, tmp_path):
    model = functional(cell)
    results = model([INPUTS, LENGTHS])
    assert [result.shape[-1] for result in model.outputs] == [result.shape[-1] for result in results]
    assert [len(result.shape) for result in model.outputs] == [len(result.shape) for result in results]
    model.save(tmp_path / "model.keras")
    agree(keras.saving.load_model(tmp_path / "model.keras")([INPUTS, LENGTHS]), results, atol=0)


def test_functional_models_fit():
    model = functional("stack")
    model.compile(keras.optimizers.Adam(0.05), loss=["mse", None, None, None, None])
    wanted = np.where(RIGHT_PADDED[:, :, None], 0.3, 0.0) * np.ones(3)
    losses = model.fit([INPUTS, LENGTHS], wanted, epochs=40, verbose=0).history["loss"]
    assert losses[-1] < 0.3 * losses[0]


def test_wrong_use_is_named():
    rnn = layers.RNN(layers.LSTMCell(4), name="rnn")
    stream = layers.RNN(layers.LSTMCell(4), stateful=True, name="stream")
    stream(INPUTS)
    state = [np.zeros((BATCH, 4), "float32")] * 2
    for call, message in [
        (lambda: rnn(INPUTS, sequence_length=[[1, 2, 3, 4]]), r"rnn takes sequence_length .*found \(1, 4\)"),
        (lambda: rnn(INPUTS, sequence_length=[1, 2]), r"sequence_length \(batch,\) = \(4,\), found \(2,\)"),
        (lambda: rnn(INPUTS, sequence_length=[1.0] * 4), "whole steps, found float32"),
        (lambda: rnn(INPUTS, mask=HOLES[:, :3]), r"mask \(batch, time\) = \(4, 5\), found \(4, 3\)"),
        (lambda: rnn(INPUTS, reset=[True] * 4), "rnn is not stateful"),
        (lambda: stream(INPUTS, reset=[True] * 4, initial_state=state), "initial_state was given beside it"),
        (lambda: stream(INPUTS, reset=[True] * 3), r"reset \(batch,\) = \(4,\), found \(3,\)"),
        (lambda: stream(INPUTS[:2]), "batch size of 4, whose states it carries; found a batch size of 2"),
        (lambda: rnn(INPUTS, initial_state=state[:1]), "rnn has 2 states, found 1 in initial_state"),
        (lambda: rnn(INPUTS, initial_state=[state[0], state[1][:, :3]]), r"width\) = \(4, 4\), found \(4, 3\)"),
        (lambda: rnn(INPUTS, memory=INPUTS), "rnn has none in its cell"),
        (lambda: layers.RNN(layers.LSTMCell(4), alignment_history=True), "alignment_history is of an AttentionWrapper"),
        (lambda: layers.RNN(keras.layers.Dense(4)), "state_size"),
        (
            lambda: tf.function(layers.RNN(layers.LSTMCell(4), unroll=True, name="unrolled")).get_concrete_function(
                tf.TensorSpec((4, None, WIDTH))
            ),
            "unrolled unrolls, for which the time dimension must be known",
        ),
    ]:  # fmt: skip
        with pytest.raises(ValueError, match=message):
            call()


def test_layers_of_a_stack_on_devices_of_their_own(tmp_path):
    """Variables, states and ops on two logical CPUs, to the numbers of one; also in a graph, with gradients."""
    in_new_process(_stack_on_two_devices, str(tmp_path / "model.keras"))


def _stack_on_two_devices(path):
    tf.config.set_logical_device_configuration(
        tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
    )

    def place(tensor):
        return tensor.device[-1]

    inputs = tf.random.stateless_normal((2, 3, 4), (1, 2))
    upper = layers.ResidualWrapper(keras.layers.LSTMCell(4))
    rnn = layers.RNN(
        [layers.DeviceWrapper(layers.LSTMCell(4), "CPU:1"), layers.DeviceWrapper(upper, "CPU:0")], return_state=True
    )
    _, lower, upper = rnn(inputs)
    assert [place(weight.value) for weight in rnn.weights] == ["1"] * 3 + ["0"] * 3
    assert [place(state) for state in (*lower, *upper)] == ["1", "1", "0", "0"]
    assert [place(s) for s in tf.nest.flatten(rnn.get_initial_state(2))] == ["1", "1", "0", "0"]
    plain = layers.RNN([layers.LSTMCell(4), layers.ResidualWrapper(keras.layers.LSTMCell(4))], return_state=True)
    plain.build(inputs.shape)
    plain.set_weights(rnn.get_weights())

    def gradients(layer):
        @tf.function
        def call(inputs):
            with tf.GradientTape() as tape:
                loss = sum(tf.reduce_sum(part**2) for part in tf.nest.flatten(layer(inputs)))
            return [loss, *tape.gradient(loss, [weight.value for weight in layer.weights])]

        return call

    for found, wanted in zip(gradients(rnn)(inputs), gradients(plain)(inputs), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)
    graph = tf.function(rnn).get_concrete_function(inputs).graph.as_graph_def()
    nodes = [*graph.node, *(node for function in graph.library.function for node in function.node_def)]
    products = {node.device[-1] for node in nodes if node.op == "MatMul"}
    assert products == {"0", "1"}, products
    again = layers.RNN.from_config(rnn.get_config())
    again.build(inputs.shape)
    assert [place(weight.value) for weight in again.weights] == ["1"] * 3 + ["0"] * 3
    model = keras.Sequential([keras.Input((3, 4)), layers.RNN([layers.DeviceWrapper(layers.LSTMCell(4), "CPU:1")])])
    model.save(path)
    assert [place(weight.value) for weight in keras.saving.load_model(path).weights] == ["1"] * 3
