"""What the options of recurrent cells do: starts, dropout, kernels, configs; and Keras' own cells beside ours."""

import keras
import numpy as np
import pytest

from rnn_tasks import layers
from rnn_tasks.layers.cell_run import choose
from rnn_tasks.layers.kernels.steps import GRU_RESET_BEFORE_STEP, LSTM_STEP, PEEPHOLE_LSTM_STEP, SIMPLE_RNN_STEP
from tests.layers.cell_cases import (
    BATCH,
    CASES,
    FAST,
    FEATURES,
    MASKS,
    UNITS,
    built,
    check,
    numbers,
    through_rnn,
    through_run,
)

pytestmark = pytest.mark.usefixtures("loop_wherever_it_can")

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
        (layers.GRUCell, {"reset_after": False, "dtype": "float64"}, GRU_RESET_BEFORE_STEP, "not in float64"),
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
