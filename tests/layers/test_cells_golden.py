"""The numbers that Keras' and TF Addons' own tests of these cells state, from their weights and inputs."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from rnn_tasks import layers

CONSTANTS = {
    "kernel_initializer": keras.initializers.Constant(0.01),
    "recurrent_initializer": keras.initializers.Constant(0.02),
    "bias_initializer": keras.initializers.Constant(0.03),
}
HOLES = np.array([[True, True, False, True], [True, False, False, True]])
RIGHT_PADDED = np.array([[True, True, True, False], [True, True, False, False]])
LEFT_PADDED = np.array([[False, True, True, True], [False, False, True, True]])


def counted(*shape):
    return np.arange(np.prod(shape)).reshape(shape).astype("float32")


def rows(*values, units):
    """All units of a row have the same weights, hence the same number."""
    return np.repeat(np.array(values)[..., None], units, axis=-1)


def named(name, *values):
    return pytest.param(*values, id=name)


BASIC, LSTM, GRU = layers.BasicRNNCell, layers.LSTMCell, layers.GRUCell
BACKWARDS, SEQUENCES = {"go_backwards": True}, {"return_sequences": True}
ZEROED = {"return_sequences": True, "zero_output_for_mask": True}


@pytest.mark.parametrize(
    ("kind", "options", "rnn_options", "call", "shape", "wanted"),
    [
        # keras/src/layers/rnn/simple_rnn_test.py
        named("basic", BASIC, {}, {}, {}, (2, 3, 4), rows(0.405432, 0.73605347, units=4)),
        named("basic backwards", BASIC, {}, BACKWARDS, {}, (2, 3, 4), rows(0.11144729, 0.5528889, units=4)),
        named(
            "basic state",
            BASIC,
            {},
            {},
            {"initial_state": [counted(2, 4)]},
            (2, 4, 3),
            rows(0.33621645, 0.6262637, units=4),
        ),
        named("basic mask", BASIC, {}, {}, {"mask": HOLES}, (2, 4, 3), rows(0.32951632, 0.61799484, units=4)),
        named(
            "basic masked sequence",
            *(BASIC, {}, SEQUENCES, {"mask": HOLES}, (2, 4, 3)),
            rows([0.0599281, 0.15122814, 0.15122814, 0.32394567], [0.3969304, 0.3969304, 0.3969304, 0.608085], units=2),
        ),
        named(
            "basic zeroed sequence",
            *(BASIC, {}, ZEROED, {"mask": HOLES}, (2, 4, 3)),
            rows([0.0599281, 0.15122814, 0.0, 0.32394567], [0.3969304, 0.0, 0.0, 0.608085], units=2),
        ),
        # keras/src/layers/rnn/lstm_test.py
        named("lstm", LSTM, {}, {}, {}, (3, 6, 4), rows(0.6288687, 0.86899155, 0.9460773, units=3)),
        named(
            "lstm by gate",
            LSTM,
            {"implementation": 1},
            {},
            {},
            (3, 6, 4),
            rows(0.6288687, 0.86899155, 0.9460773, units=3),
        ),
        named("lstm backwards", LSTM, {}, BACKWARDS, {}, (3, 6, 4), rows(0.35622165, 0.74789524, 0.8872726, units=3)),
        named(
            "lstm no forget bias",
            *(LSTM, {"unit_forget_bias": False}, {}, {}, (3, 6, 4)),
            rows(0.57019705, 0.8661914, 0.9459622, units=3),
        ),
        named(
            "lstm no bias",
            LSTM,
            {"use_bias": False},
            {},
            {},
            (3, 6, 4),
            rows(0.54986924, 0.86226785, 0.9443936, units=3),
        ),
        named(
            "lstm state",
            *(LSTM, {}, {}, {"initial_state": [counted(2, 2), counted(2, 2)]}, (2, 4, 3)),
            np.array([[0.20574439, 0.3558822], [0.64930826, 0.66276]]),
        ),
        named("lstm mask", LSTM, {}, {}, {"mask": RIGHT_PADDED}, (2, 4, 3), rows(0.11755939, 0.28556206, units=2)),
        named(
            "lstm masked sequence",
            *(LSTM, {}, SEQUENCES, {"mask": RIGHT_PADDED}, (2, 4, 3)),
            rows([0.0158891, 0.05552048, 0.11755939, 0.11755939], [0.14185596] + 3 * [0.28556206], units=2),
        ),
        named(
            "lstm backwards mask",
            *(LSTM, {}, BACKWARDS, {"mask": LEFT_PADDED}, (2, 4, 3)),
            rows(0.15341201, 0.3844719, units=2),
        ),
        # keras/src/layers/rnn/gru_test.py
        named("gru", GRU, {}, {}, {}, (3, 6, 4), rows(0.5217289, 0.6371659, 0.39384964, units=3)),
        named("gru backwards", GRU, {}, BACKWARDS, {}, (3, 6, 4), rows(0.24406259, 0.611516, 0.3928808, units=3)),
        named(
            "gru reset before",
            *(GRU, {"reset_after": False}, {}, {}, (3, 6, 4)),
            rows(0.51447755, 0.6426879, 0.40208298, units=3),
        ),
        named(
            "gru no bias", GRU, {"use_bias": False}, {}, {}, (3, 6, 4), rows(0.49988455, 0.64701194, 0.4103359, units=3)
        ),
        named(
            "gru state",
            *(GRU, {}, {}, {"initial_state": [counted(2, 2)]}, (2, 4, 3)),
            np.array([[0.23774096, 0.33508456], [0.83659905, 1.0227708]]),
        ),
        named("gru mask", GRU, {}, {}, {"mask": HOLES}, (2, 4, 3), rows(0.19393763, 0.30818558, units=2)),
        named(
            "gru masked sequence",
            *(GRU, {}, SEQUENCES, {"mask": HOLES}, (2, 4, 3)),
            rows([0.03606692, 0.09497581, 0.09497581, 0.19393763], 3 * [0.16051409] + [0.30818558], units=2),
        ),
    ],
)
def test_numbers_of_keras_tests(kind, options, rnn_options, call, shape, wanted):
    """Stepped by Keras' RNN, and at once: there, what it gives at the last unmasked step."""
    inputs = counted(*shape)
    cell = kind(wanted.shape[-1], **CONSTANTS, **options)
    outputs = keras.layers.RNN(cell, **rnn_options)(inputs, **call)
    np.testing.assert_allclose(outputs, wanted, atol=1e-6)
    if not hasattr(cell, "run"):
        return
    states = call.get("initial_state") or cell.get_initial_state(batch_size=shape[0])
    mask, back = call.get("mask"), slice(None, None, -1 if rnn_options.get("go_backwards") else 1)
    at_once, final = cell.run(inputs[:, back], states, mask=None if mask is None else mask[:, back])
    if "return_sequences" in rnn_options:
        np.testing.assert_allclose(np.asarray(at_once)[mask], wanted[mask], atol=1e-6)
    else:
        np.testing.assert_allclose(keras.tree.flatten(final)[0], wanted, atol=1e-6)


@pytest.mark.parametrize(
    ("kind", "wanted"),
    [
        (BASIC, rows(0.40559256, 0.7361247, units=4)),
        (LSTM, rows(0.3124785, 0.6863672, units=4)),
        (GRU, rows(0.29542392, 0.5885018, units=4)),
    ],
)
def test_stateful_numbers_of_keras_tests(kind, wanted):
    """The second of two equal batches, and again after a reset."""
    rnn = keras.layers.RNN(kind(4, **CONSTANTS), stateful=True)
    for _ in range(2):
        rnn(counted(2, 3, 4))
        np.testing.assert_allclose(rnn(counted(2, 3, 4)), wanted, atol=1e-6)
        rnn.reset_state()


@pytest.mark.parametrize("implementation", [1, 2])
def test_numbers_of_addons_peephole_test(implementation):
    """tensorflow_addons/rnn/tests/peephole_lstm_cell_test.py."""
    cell = layers.PeepholeLSTMCell(5, kernel_initializer="ones", implementation=implementation)
    output, _ = cell(tf.one_hot([1, 2, 3, 4], 4), cell.get_initial_state(batch_size=4))
    np.testing.assert_allclose(output, rows(0.417551, 0.417551, 0.417551, 0.0, units=5), atol=1e-6)
    assert [weight.name for weight in cell.weights] == [
        *("kernel", "recurrent_kernel", "bias"),
        *("input_gate_peephole_weights", "forget_gate_peephole_weights", "output_gate_peephole_weights"),
    ]


@pytest.mark.parametrize("features", [2, 3])
def test_numbers_of_addons_layer_norm_test(features):
    """tensorflow_addons/rnn/tests/layer_norm_lstm_cell_test.py: a stack of two cells, and a cell of wider inputs."""
    half = keras.initializers.Constant(0.5)
    options = {"kernel_initializer": half, "recurrent_initializer": half, "bias_initializer": half}
    cells = [layers.LayerNormLSTMCell(2, **options, norm_epsilon=1e-12) for _ in range(2)]
    states = [
        [np.float32([[0.2, 0.3]]), np.float32([[0.0, 0.1]])],
        [np.float32([[0.6, 0.7]]), np.float32([[0.4, 0.5]])],
    ]
    inputs = np.ones((1, features), "float32")
    if features == 2:
        output, new = keras.layers.StackedRNNCells(cells)(inputs, states)
    else:
        output, new = cells[0](inputs, states[0])
        new = [new]
    h, c = [[-0.47406167, 0.47406143]], [[-1.0, 1.0]]
    np.testing.assert_allclose(output, h, rtol=1e-5)
    for state in new:
        np.testing.assert_allclose(state[0], h, rtol=1e-5)
        np.testing.assert_allclose(state[1], c, rtol=1e-5)


def test_weights_of_addons_layer_norm_test():
    cell = layers.LayerNormLSTMCell(10, name="cell")
    cell.build((12, 20))
    assert [weight.path for weight in cell.weights if "seed" not in weight.path] == [
        *("cell/kernel", "cell/recurrent_kernel", "cell/bias"),
        *("cell/kernel_norm/gamma", "cell/kernel_norm/beta", "cell/recurrent_norm/gamma", "cell/recurrent_norm/beta"),
        *("cell/state_norm/gamma", "cell/state_norm/beta"),
    ]
