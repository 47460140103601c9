"""The recurrences in plain NumPy, written from the papers' equations: what the cells are measured by.

A step takes the weights by name, inputs (batch, features) and the states, each (batch, units), and gives the new
states, the first of which is the output. Nothing here knows of TensorFlow or of our code.
"""

import numpy as np


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


def simple_rnn(w, x, h):
    return [np.tanh(x @ w["kernel"] + h @ w["recurrent_kernel"] + w.get("bias", 0.0))]


def irnn(w, x, h):
    return [np.maximum(0.0, x @ w["kernel"] + h @ w["recurrent_kernel"] + w.get("bias", 0.0))]


def lstm(w, x, h, c):
    i, f, g, o = np.split(x @ w["kernel"] + h @ w["recurrent_kernel"] + w.get("bias", 0.0), 4, axis=-1)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return [sigmoid(o) * np.tanh(c), c]


def peephole_lstm(w, x, h, c):
    i, f, g, o = np.split(x @ w["kernel"] + h @ w["recurrent_kernel"] + w.get("bias", 0.0), 4, axis=-1)
    i, f = i + w["input_gate_peephole_weights"] * c, f + w["forget_gate_peephole_weights"] * c
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return [sigmoid(o + w["output_gate_peephole_weights"] * c) * np.tanh(c), c]


def layer_norm_lstm(w, x, h, c, epsilon=1e-3):
    def norm(name, z):
        deviation = np.sqrt(z.var(axis=-1, keepdims=True) + epsilon)
        return w[f"{name}/gamma"] * (z - z.mean(axis=-1, keepdims=True)) / deviation + w[f"{name}/beta"]

    z = norm("kernel_norm", x @ w["kernel"]) + norm("recurrent_norm", h @ w["recurrent_kernel"]) + w.get("bias", 0.0)
    i, f, g, o = np.split(z, 4, axis=-1)
    c = norm("state_norm", sigmoid(f) * c + sigmoid(i) * np.tanh(g))
    return [sigmoid(o) * np.tanh(c), c]


def gru(w, x, h):
    """The reset gate after the recurrent product."""
    bias, recurrent_bias = w.get("bias", np.zeros((2, w["kernel"].shape[1])))
    xz, xr, xg = np.split(x @ w["kernel"] + bias, 3, axis=-1)
    hz, hr, hg = np.split(h @ w["recurrent_kernel"] + recurrent_bias, 3, axis=-1)
    z = sigmoid(xz + hz)
    return [z * h + (1.0 - z) * np.tanh(xg + sigmoid(xr + hr) * hg)]


def gru_reset_before(w, x, h):
    xz, xr, xg = np.split(x @ w["kernel"] + w.get("bias", 0.0), 3, axis=-1)
    uz, ur, ug = np.split(w["recurrent_kernel"], 3, axis=-1)
    z, r = sigmoid(xz + h @ uz), sigmoid(xr + h @ ur)
    return [z * h + (1.0 - z) * np.tanh(xg + (r * h) @ ug)]


def sequence(step, w, inputs, states, mask=None):
    """Steps through inputs (batch, time, features).

    Where mask (batch, time) is False, the states pass and the output is the one before, zeros at first.
    Returns outputs (batch, time, units) and the final states.
    """
    mask = np.ones(inputs.shape[:2], bool) if mask is None else mask
    output, outputs = np.zeros_like(states[0]), []
    for t in range(inputs.shape[1]):
        new, real = step(w, inputs[:, t], *states), mask[:, t, None]
        output = np.where(real, new[0], output)
        states = [np.where(real, after, before) for after, before in zip(new, states, strict=True)]
        outputs.append(output)
    return np.stack(outputs, axis=1), states


def slopes(function, arrays, delta=1e-6):
    """Central differences of a scalar function of no arguments, by each element of `arrays`, which it reads."""
    found = []
    for array in arrays:
        slope = np.zeros_like(array)
        for index in np.ndindex(array.shape):
            kept = array[index]
            array[index] = kept + delta
            above = function()
            array[index] = kept - delta
            slope[index] = (above - function()) / (2.0 * delta)
            array[index] = kept
        found.append(slope)
    return found
