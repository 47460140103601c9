"""Gates along a sequence: closed forms, and the layer's own outputs."""

import keras
import numpy as np
import pytest

from rnn_tasks import layers, models

SEQUENCE = np.random.default_rng(0).normal(size=(7, 3)).astype(np.float32)
LAYERS = {
    "lstm": lambda: layers.LSTM(4, return_sequences=True),
    "peephole": lambda: layers.RNN(layers.PeepholeLSTMCell(4), return_sequences=True),
    "gru": lambda: layers.GRU(4, return_sequences=True),
    "gru reset before": lambda: layers.GRU(4, reset_after=False, return_sequences=True),
    "plain": lambda: layers.SimpleRNN(4, return_sequences=True),
    "irnn": lambda: layers.RNN(layers.IRNNCell(4), return_sequences=True),
}


def random_weights(layer):
    rng = np.random.default_rng(1)
    layer.set_weights([rng.normal(size=weight.shape).astype(np.float32) for weight in layer.get_weights()])


@pytest.mark.parametrize("name", LAYERS)
def test_states_are_the_layers_outputs(name):
    layer = LAYERS[name]()
    outputs = layer(SEQUENCE[None])
    random_weights(layer)
    outputs = keras.ops.convert_to_numpy(layer(SEQUENCE[None]))[0]
    np.testing.assert_allclose(models.gate_activations(layer, SEQUENCE)["state"], outputs, atol=1e-5)


@pytest.mark.parametrize("name", ["lstm", "peephole"])
def test_an_lstms_gates_explain_its_states(name):
    """h = o · tanh(c), and c goes on by f · c plus i times something between -1 and 1."""
    layer = LAYERS[name]()
    layer(SEQUENCE[None])
    random_weights(layer)
    seen = models.gate_activations(layer, SEQUENCE)
    assert list(seen) == ["input gate", "forget gate", "output gate", "cell", "state"]
    np.testing.assert_allclose(seen["output gate"] * np.tanh(seen["cell"]), seen["state"], atol=1e-5)
    before = np.concatenate([np.zeros((1, 4)), seen["cell"][:-1]])
    candidate = (seen["cell"] - seen["forget gate"] * before) / seen["input gate"]
    assert np.abs(candidate).max() <= 1 + 1e-3
    h = np.concatenate([np.zeros((1, 4)), seen["state"][:-1]])
    kernel, recurrent, bias = layer.get_weights()[:3]
    peephole = layer.get_weights()[3] * before if name == "peephole" else 0
    wanted = 1 / (1 + np.exp(-(SEQUENCE @ kernel + h @ recurrent + bias)[:, :4] - peephole))
    np.testing.assert_allclose(seen["input gate"], wanted, atol=1e-5)


@pytest.mark.parametrize("name", ["gru", "gru reset before"])
def test_a_grus_update_gate_keeps_the_old_state(name):
    layer = LAYERS[name]()
    layer(SEQUENCE[None])
    random_weights(layer)
    seen = models.gate_activations(layer, SEQUENCE)
    assert list(seen) == ["update gate", "reset gate", "state"]
    before = np.concatenate([np.zeros((1, 4)), seen["state"][:-1]])
    candidate = (seen["state"] - seen["update gate"] * before) / (1 - seen["update gate"])
    assert np.abs(candidate).max() <= 1 + 1e-3
    layer.set_weights([weight * 0 for weight in layer.get_weights()])
    np.testing.assert_allclose(models.gate_activations(layer, SEQUENCE)["reset gate"], 0.5)
