"""The recurrences as in their papers, in TensorFlow's operations, which can be differentiated any number of times.

They are used only for the derivative of a native kernel's gradient, as in gradient penalties.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import tensorflow as tf

Product = Callable[[int, tf.Tensor], tf.Tensor]  # gate, (batch, units) -> (batch, units) times its recurrent kernel


def recur_plainly(
    name: str,
    inputs: tf.Tensor,
    kernel: tf.Tensor,
    recurrent_kernel: tf.Tensor,
    bias: tf.Tensor,
    recurrent_bias: tf.Tensor,
    peepholes: tf.Tensor,
    keep: tf.Tensor,
    state_mask: tf.Tensor,
    h0: tf.Tensor,
    c0: tf.Tensor,
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Compute the same as the native operation `name`, from the same inputs; an absent input has the shape (0,).

    Args:
        name: of the native kernel; the other arguments are as `native.recur_natively` hands them to it.

    Returns:
        outputs (batch, time, units), final h and c (batch, units).
    """
    advance, gates = RECURRENCES[name]
    projected = bias + (inputs if absent(kernel) else tf.tensordot(inputs, kernel, axes=1))
    kernels = tf.split(recurrent_kernel, gates, axis=1)
    biases = [0.0] * gates if absent(recurrent_bias) else tf.split(recurrent_bias, gates)
    masks = [1.0] * gates if absent(state_mask) else tf.unstack(state_mask)

    def product(gate: int, h: tf.Tensor) -> tf.Tensor:
        return tf.matmul(h * masks[gate], kernels[gate]) + biases[gate]

    def step(x: tf.Tensor, h: tf.Tensor, c: tf.Tensor) -> tuple[tf.Tensor, ...]:
        return advance(tf.split(x, gates, axis=-1), product, h, c, peepholes)

    outputs, h, c = scan_masked(step, projected, keep, (h0, c0), 0)
    return outputs, h, c


def scan_masked(
    step: Callable[..., Sequence[tf.Tensor]],
    inputs: tf.Tensor,
    keep: tf.Tensor,
    start: Sequence[tf.Tensor],
    output: int,
) -> tuple[tf.Tensor, ...]:
    """A recurrence over time whose states do not change where `keep` is 0.

    Args:
        step: (input (batch, features), *states) -> new states, each (batch, …).
        inputs: (batch, time, features).
        keep: (batch, time), or (0,) to keep all.
        start: the first states.
        output: index of the state that is returned for every step.

    Returns:
        that state (batch, time, …), then all states after the last step.
    """
    if inputs.shape[1] == 0:
        return tf.zeros((tf.shape(inputs)[0], 0, start[output].shape[-1])), *start
    if absent(keep):
        keep = tf.ones_like(inputs[:, :, 0])

    def masked(before: Sequence[tf.Tensor], now: tuple[tf.Tensor, tf.Tensor]) -> tuple[tf.Tensor, ...]:
        x, kept = now
        after = step(x, *before)
        return tuple(tf.where(kept[:, None] != 0.0, new, old) for new, old in zip(after, before, strict=True))

    histories = tf.scan(masked, (tf.transpose(inputs, [1, 0, 2]), tf.transpose(keep)), tuple(start))
    return tf.transpose(histories[output], [1, 0, 2]), *(history[-1] for history in histories)


def _simple(activation: Callable):
    def advance(x: Sequence[tf.Tensor], product: Product, h, c, _):
        return activation(x[0] + product(0, h)), c

    return advance


def _lstm(x: Sequence[tf.Tensor], product: Product, h, c, peepholes):
    return lstm_gates([part + product(gate, h) for gate, part in enumerate(x)], c, peepholes)


def lstm_gates(gates: Sequence[tf.Tensor], c: tf.Tensor, peepholes: tf.Tensor | None = None):
    """The new h and c of an LSTM, from the four pre-activations of its gates and the old c."""
    no_peepholes = peepholes is None or absent(peepholes)
    to_input, to_forget, to_output = [0.0] * 3 if no_peepholes else tf.unstack(peepholes)
    i = tf.sigmoid(gates[0] + to_input * c)
    f = tf.sigmoid(gates[1] + to_forget * c)
    c = f * c + i * tf.tanh(gates[2])
    o = tf.sigmoid(gates[3] + to_output * c)
    return o * tf.tanh(c), c


def _gru(x: Sequence[tf.Tensor], product: Product, h, c, _):
    update, reset = tf.sigmoid(x[0] + product(0, h)), tf.sigmoid(x[1] + product(1, h))
    candidate = tf.tanh(x[2] + reset * product(2, h))
    return update * h + (1.0 - update) * candidate, c


def _gru_reset_before(x: Sequence[tf.Tensor], product: Product, h, c, _):
    update, reset = tf.sigmoid(x[0] + product(0, h)), tf.sigmoid(x[1] + product(1, h))
    candidate = tf.tanh(x[2] + product(2, reset * h))
    return update * h + (1.0 - update) * candidate, c


def absent(part: tf.Tensor) -> bool:
    """Whether this input of an operation is absent."""
    return part.shape == (0,)


RECURRENCES = {
    "simple_rnn": (_simple(tf.tanh), 1),
    "relu_rnn": (_simple(tf.nn.relu), 1),
    "lstm": (_lstm, 4),
    "peephole_lstm": (_lstm, 4),
    "gru": (_gru, 3),
    "gru_reset_before": (_gru_reset_before, 3),
}
