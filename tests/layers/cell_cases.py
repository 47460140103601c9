"""Every recurrent cell with its oracle, the ways through it, and the numbers that go in.

Shapes: inputs (batch, time, features), masks (batch, time), outputs (batch, time, units), states (batch, units).
"""

from functools import partial

import keras
import numpy as np
import pytest

from rnn_tasks import layers
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
