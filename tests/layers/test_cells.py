"""Every recurrent cell against NumPy in float64, and against Keras' own where there is one."""

from functools import partial

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from rnn_tasks import layers
from rnn_tasks.layers.cell_run import choose
from rnn_tasks.layers.kernels.steps import GRU_STEP, LSTM_STEP, PEEPHOLE_LSTM_STEP, SIMPLE_RNN_STEP
from tests.layers import oracles

BATCH, TIME, FEATURES, UNITS = 4, 5, 3, 3
CASES = {
    "basic": (layers.BasicRNNCell, oracles.simple_rnn),
    "lstm": (layers.LSTMCell, oracles.lstm),
    "peephole": (layers.PeepholeLSTMCell, oracles.peephole_lstm),
    "peephole by gate": (partial(layers.PeepholeLSTMCell, implementation=1), oracles.peephole_lstm),
    "gru": (layers.GRUCell, oracles.gru),
    "gru reset before": (partial(layers.GRUCell, reset_after=False), oracles.gru_reset_before),
    "layer norm": (layers.LayerNormLSTMCell, oracles.layer_norm_lstm),
    "irnn": (layers.IRNNCell, oracles.irnn),
}
MASKS = {
    "no mask": None,
    "right padding": np.arange(TIME) < np.array([[TIME], [0], [1], [3]]),
    "holes": np.array([[0, 1, 0, 1, 1], [1, 0, 0, 0, 1], [0, 0, 0, 0, 0], [1, 1, 1, 1, 0]], bool),
}


def through_rnn(cell, inputs, states, mask=None, training=False):
    rnn = keras.layers.RNN(cell, return_sequences=True, return_state=True, dtype=cell.dtype_policy)
    outputs, *states = rnn(inputs, initial_state=list(states), mask=mask, training=training)
    return outputs, states


def through_run(cell, inputs, states, mask=None, training=False):
    return cell.run(inputs, list(states), mask=mask, training=training)


FAST = ("basic", "lstm", "gru")
WAYS = [
    *(pytest.param(name, through_rnn, id=f"{name}, stepped") for name in CASES),
    *(pytest.param(name, through_run, id=f"{name}, at once") for name in FAST),
]


def built(name, shape=(FEATURES, UNITS), **options):
    """A cell with random weights, its oracle, its weights by name, and how many states it has."""
    (kind, oracle), (features, units) = CASES[name], shape
    cell = kind(units, **{"dtype": "float64", **options})
    cell.build((None, features))
    random = np.random.default_rng(0)
    cell.set_weights([random.normal(size=w.shape, scale=0.7) for w in cell.weights if "seed" not in w.path])
    weights = {w.path.split("/", 1)[-1]: np.asarray(w).astype("float64") for w in cell.trainable_weights}
    return cell, oracle, weights, len(cell.get_initial_state(batch_size=1))


def numbers(count, batch=BATCH, time=TIME, features=FEATURES, units=UNITS):
    random = np.random.default_rng(1)
    return random.normal(size=(batch, time, features)), [random.normal(size=(batch, units)) for _ in range(count)]


def where(mask, outputs):
    """What counts of outputs (batch, time, units): `run` may give anything where the mask is False."""
    return np.asarray(outputs) if mask is None else np.where(mask[:, :, None], outputs, 0.0)


def check(found, wanted, mask=None, **tolerance):
    np.testing.assert_allclose(where(mask, found[0]), where(mask, wanted[0]), **tolerance)
    for state, wanted_state in zip(found[1], wanted[1], strict=True):
        np.testing.assert_allclose(state, wanted_state, **tolerance)


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


@pytest.mark.parametrize(("name", "way"), WAYS)
def test_gradient_against_finite_differences(name, way):
    cell, oracle, weights, count = built(name, (2, 3))
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
        np.testing.assert_allclose(slope, wanted_slope, atol=1e-8)


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


SPECIAL = {
    "lstm": {"forget_bias": 2.5},
    "peephole": {"forget_bias": 0.0, "peephole_initializer": "he_normal"},
    "layer norm": {"norm_gamma_initializer": "he_normal", "norm_epsilon": 1e-5},
    "irnn": {"recurrent_scale": 0.5},
}


@pytest.mark.parametrize("name", CASES)
def test_saves_and_loads(name, tmp_path):
    cell = CASES[name][0](UNITS, dropout=0.1, recurrent_dropout=0.2, seed=3, **SPECIAL.get(name, {}))
    model = keras.Sequential([keras.Input((None, FEATURES)), keras.layers.RNN(cell)])
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert type(again.layers[-1].cell) is type(cell)
    assert again.layers[-1].cell.get_config() == cell.get_config()
    inputs = numbers(0)[0].astype("float32")
    np.testing.assert_array_equal(again(inputs), model(inputs))


TWINS = {"basic": keras.layers.SimpleRNNCell, "lstm": keras.layers.LSTMCell, "gru": keras.layers.GRUCell}


@pytest.mark.parametrize("name", TWINS)
@pytest.mark.parametrize(
    "options",
    [
        {"bias_initializer": "random_normal"},
        {"dropout": 0.5},
        {"dropout": 0.5, "implementation": 1},
        {"dropout": 0.5, "recurrent_dropout": 0.5},
        {"dropout": 1.0},
        {"activation": "relu"},
    ],
    ids=str,
)
def test_same_numbers_as_keras(name, options):
    """From the same seed: initial weights, and outputs in training; the same at once where that is possible."""
    if name == "basic":
        options = {key: value for key, value in options.items() if key != "implementation"}
    inputs, states = numbers(2 if name == "lstm" else 1)
    mask, results = MASKS["holes"], []
    for kind, way in ((TWINS[name], through_rnn), (CASES[name][0], through_rnn), (CASES[name][0], through_run)):
        keras.utils.set_random_seed(5)
        cell = kind(UNITS, seed=7, dtype="float64", **options)
        cell.build((None, FEATURES))
        if way is through_run and not hasattr(cell, "run"):
            way = through_rnn
        results.append((way(cell, inputs, states, mask, training=True), cell.get_weights()))
    (wanted, wanted_weights), *others = results
    for found, weights in others:
        check(found, wanted, mask, atol=1e-12)
        for weight, wanted_weight in zip(weights, wanted_weights, strict=True):
            np.testing.assert_array_equal(weight, wanted_weight)


@pytest.mark.parametrize("name", FAST)
def test_no_step_leaves_the_states_as_they_were(name):
    cell, _, _, count = built(name, dropout=0.5)
    inputs, states = numbers(count, time=0)
    check(through_run(cell, inputs, states, training=True), (np.zeros((BATCH, 0, UNITS)), states))


@pytest.mark.parametrize("name", FAST)
def test_each_run_draws_its_own_dropout(name):
    cell, _, _, count = built(name, dropout=0.5)
    inputs, states = numbers(count)
    first, second = (through_run(cell, inputs, states, training=True)[0] for _ in range(2))
    assert not np.allclose(first, second)
    check(through_run(cell, inputs, states), through_rnn(cell, inputs, states), atol=1e-12)


@pytest.mark.parametrize(
    ("kind", "options", "step", "reason"),
    [
        (layers.BasicRNNCell, {"activation": "relu"}, SIMPLE_RNN_STEP, "activation is relu, not tanh"),
        (layers.LSTMCell, {"recurrent_activation": "hard_sigmoid"}, LSTM_STEP, "is hard_sigmoid, not sigmoid"),
        (layers.GRUCell, {"reset_after": False}, GRU_STEP, "reset_after is False"),
        (layers.LSTMCell, {"dropout": 1.0}, LSTM_STEP, "dropout of 1.0"),
        (layers.PeepholeLSTMCell, {"dtype": "float64"}, PEEPHOLE_LSTM_STEP, "not in float64"),
        (layers.LSTMCell, {"dtype": "float64", "recurrent_dropout": 0.5}, LSTM_STEP, "a dropout mask for each gate"),
    ],
)
def test_no_kernel_where_it_computes_something_else(kind, options, step, reason):
    choice = choose(kind(UNITS, **options), step, training=True)
    assert choice.kernel == "none"
    assert reason in choice.reason
    assert choose(kind(UNITS), step, training=True) == ("native", None)


def test_layer_norm_draws_one_mask_for_all_gates():
    cell, oracle, weights, count = built("layer norm", dropout=0.5, recurrent_dropout=0.5, seed=1)
    inputs, (h, c) = numbers(count, time=1)
    dropped, kept = np.array(cell.get_dropout_mask(inputs[:, 0])), np.array(cell.get_recurrent_dropout_mask(h))
    assert (dropped.shape, kept.shape) == ((BATCH, FEATURES), (BATCH, UNITS))
    assert set(np.unique(dropped)) == set(np.unique(kept)) == {0.0, 2.0}
    _, new = cell(inputs[:, 0], [h, c], training=True)
    for state, wanted in zip(new, oracle(weights, inputs[:, 0] * dropped, h * kept, c), strict=True):
        np.testing.assert_allclose(state, wanted, atol=1e-12)


def test_peephole_without_peepholes_is_keras_lstm_with_all_its_dropout():
    options = {"dropout": 0.5, "recurrent_dropout": 0.5, "seed": 7, "dtype": "float64"}
    ours = layers.PeepholeLSTMCell(UNITS, peephole_initializer="zeros", **options)
    theirs = keras.layers.LSTMCell(UNITS, **options)
    for cell in (ours, theirs):
        cell.build((None, FEATURES))
    theirs.set_weights([*ours.get_weights()[:3], *theirs.get_weights()[3:]])
    inputs, states = numbers(2)
    found, wanted = (through_rnn(cell, inputs, states, training=True) for cell in (ours, theirs))
    check(found, wanted, atol=1e-12)


LSTMS = [layers.LSTMCell, layers.PeepholeLSTMCell, layers.LayerNormLSTMCell]


@pytest.mark.parametrize("kind", LSTMS)
def test_forget_bias(kind):
    """Keras' start of 1, TF1's of any number, and Keras' way to have none."""
    for options, start in (({}, 1.0), ({"forget_bias": 2.5}, 2.5), ({"forget_bias": 0.0}, 0.0)):
        cell = kind(2, bias_initializer=keras.initializers.Constant(0.25), **options)
        cell.build((None, FEATURES))
        np.testing.assert_array_equal(cell.bias, [0.25] * 2 + [start] * 2 + [0.25] * 4)
    cell = kind(2, unit_forget_bias=False)
    cell.build((None, FEATURES))
    np.testing.assert_array_equal(cell.bias, np.zeros(8))


@pytest.mark.parametrize("kind", LSTMS)
def test_forget_bias_that_no_bias_takes(kind):
    wanted = r"forget_bias=2.0 wants use_bias=True and unit_forget_bias=True, found "
    with pytest.raises(ValueError, match=wanted + "False and True"):
        kind(2, forget_bias=2.0, use_bias=False)
    with pytest.raises(ValueError, match=wanted + "True and False"):
        kind(2, forget_bias=2.0, unit_forget_bias=False)


@pytest.mark.parametrize("kind", [*LSTMS, layers.GRUCell, layers.BasicRNNCell])
def test_initialisers_by_name(kind):
    for name in ("orthogonal", "identity"):
        cell = kind(6, recurrent_initializer=name)
        cell.build((None, 40))
        kernel = np.asarray(cell.recurrent_kernel)
        np.testing.assert_allclose(kernel @ kernel.T, np.eye(6), atol=1e-5)
        assert (name == "identity") == np.array_equal(kernel, np.eye(*kernel.shape))
    keras.utils.set_random_seed(1)
    cell = kind(100, kernel_initializer="he_normal")
    cell.build((None, 50))
    np.testing.assert_allclose(np.std(cell.kernel), np.sqrt(2 / 50), rtol=0.05)


def test_irnn_starts_as_its_paper_says():
    """With no input it remembers, times its scale; two cells start apart."""
    keras.utils.set_random_seed(1)
    cells = [layers.IRNNCell(50, recurrent_scale=0.5) for _ in range(2)]
    for cell in cells:
        cell.build((None, 40))
        np.testing.assert_array_equal(cell.recurrent_kernel, 0.5 * np.eye(50))
        np.testing.assert_allclose(np.std(cell.kernel), 0.001, rtol=0.1)
    assert not np.allclose(cells[0].kernel, cells[1].kernel)
    state = np.abs(np.random.default_rng(1).normal(size=(2, 50))).astype("float32")
    output, _ = cells[0](np.zeros((2, 40), "float32"), [state])
    np.testing.assert_allclose(output, 0.5 * state, rtol=1e-6)
