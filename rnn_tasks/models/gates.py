"""The gates and states of a recurrent layer along a sequence."""

from __future__ import annotations

import keras
import numpy as np
from keras import ops


def gate_activations(layer: keras.layers.RNN, inputs: np.ndarray) -> dict[str, np.ndarray]:
    """Gates and states of one layer while it reads one sequence from zero states, without dropout.

    Args:
        layer: a built layer around one cell: LSTM (with peepholes or without), GRU, or a plain RNN.
        inputs: (time, features), the inputs of the layer.

    Returns:
        name -> (time, units): for an LSTM "input gate", "forget gate", "output gate" (0 to 1), "cell" and "state" (its
        output); for a GRU "update gate" (1 keeps the old state), "reset gate" and "state"; else "state".
    """
    cell, inputs = layer.cell, np.asarray(inputs, np.float32)
    states = [ops.zeros((1, size)) for size in np.atleast_1d(cell.state_size)]
    before, after = [], []
    for step in inputs:
        before.append(np.concatenate([ops.convert_to_numpy(state) for state in states]))
        _, states = cell(step[None], states, training=False)
        states = keras.tree.flatten(states)
        after.append(np.concatenate([ops.convert_to_numpy(state) for state in states]))
    old, new = (np.stack(each, axis=1) for each in (before, after))  # (states, time, units)
    if isinstance(cell, keras.layers.LSTMCell):
        return {**_lstm_gates(cell, inputs, old[0], old[1], new[1]), "cell": new[1], "state": new[0]}
    if isinstance(cell, keras.layers.GRUCell):
        return {**_gru_gates(cell, inputs, old[0]), "state": new[0]}
    return {"state": new[0]}


def _lstm_gates(
    cell: keras.layers.LSTMCell, inputs: np.ndarray, h: np.ndarray, c: np.ndarray, new_c: np.ndarray
) -> dict[str, np.ndarray]:
    i, f, _, o = np.split(_before_activation(cell, inputs, h), 4, axis=-1)
    peepholes = [ops.convert_to_numpy(weight) for weight in getattr(cell, "peepholes", ())] or [0.0] * 3
    gates = {
        "input gate": i + peepholes[0] * c,
        "forget gate": f + peepholes[1] * c,
        "output gate": o + peepholes[2] * new_c,
    }
    return {name: ops.convert_to_numpy(cell.recurrent_activation(values)) for name, values in gates.items()}


def _gru_gates(cell: keras.layers.GRUCell, inputs: np.ndarray, h: np.ndarray) -> dict[str, np.ndarray]:
    update, reset, _ = np.split(_before_activation(cell, inputs, h), 3, axis=-1)
    gates = {"update gate": update, "reset gate": reset}
    return {name: ops.convert_to_numpy(cell.recurrent_activation(values)) for name, values in gates.items()}


def _before_activation(cell: keras.layers.Layer, inputs: np.ndarray, h: np.ndarray) -> np.ndarray:
    """The pre-activations of all gates, (time, gates · units)."""
    kernel, recurrent_kernel = (ops.convert_to_numpy(weight) for weight in (cell.kernel, cell.recurrent_kernel))
    # A GRU whose reset gate acts after the recurrent kernel has two biases, (2, gates · units).
    bias = np.sum(np.atleast_2d(ops.convert_to_numpy(cell.bias)), axis=0) if cell.use_bias else 0.0
    return inputs @ kernel + h @ recurrent_kernel + bias
