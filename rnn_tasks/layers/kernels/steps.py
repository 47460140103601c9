"""One time step of each recurrence, forwards and backwards, on gate pre-activations.

`recur_in_a_loop` does the common work of all steps once for the whole sequence: the input projection before the loop,
the weight gradients after it. A step gets the projected input and the projected previous output. Its backward part
computes their gradients from those of the new states. Gate order and bias layout are Keras' own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import keras
import tensorflow as tf

Tensors = Sequence[tf.Tensor]


class Step(NamedTuple):
    """A recurrence.

    Attributes:
        name: of the native kernel that computes the same.
        gates: number of pre-activations for each unit.
        states: number of state tensors; the first is the output.
        kept: widths, in units, of the tensors that `forward` keeps for `backward`.
        forward: (x, h, states) -> (new states, kept), x and h (batch, gates · units); None if only the native kernel
            has the recurrence.
        backward: (new state gradients, previous states, kept) -> (x gradient, h gradient, previous states'
            gradients other than through h).
        activation: Keras' name of the activation of outputs and candidates.
        loop_rows: the largest batch, in training and at inference, with which a loop of TensorFlow's operations over
            `forward` is no slower than Keras' own (benchmarks/every_shape.py); None for any.
        loop_units: with this many units or more, the loop pays in training for any batch.
    """

    name: str
    gates: int
    states: int
    kept: tuple[int, ...]
    forward: Callable[[tf.Tensor, tf.Tensor, Tensors], tuple[Tensors, Tensors]] | None = None
    backward: Callable[[Tensors, Tensors, Tensors], tuple[tf.Tensor, tf.Tensor, Tensors]] | None = None
    activation: str = "tanh"
    loop_rows: tuple[int | None, int | None] = (None, None)
    loop_units: int = 0


def _lstm_forward(x: tf.Tensor, h: tf.Tensor, states: Tensors) -> tuple[Tensors, Tensors]:
    i, f, candidate, o = tf.split(x + h, 4, axis=-1)
    i, f, candidate, o = tf.sigmoid(i), tf.sigmoid(f), tf.tanh(candidate), tf.sigmoid(o)
    c = f * states[1] + i * candidate
    squashed = tf.tanh(c)
    return (o * squashed, c), (i, f, candidate, o, squashed)


def _lstm_backward(gradients: Tensors, states: Tensors, kept: Tensors) -> tuple[tf.Tensor, tf.Tensor, Tensors]:
    (dh, dc), (i, f, candidate, o, squashed) = gradients, kept
    dc = dc + dh * o * (1.0 - squashed * squashed)
    dz = tf.concat(
        [
            dc * candidate * i * (1.0 - i),
            dc * states[1] * f * (1.0 - f),
            dc * i * (1.0 - candidate * candidate),
            dh * squashed * o * (1.0 - o),
        ],
        axis=-1,
    )
    return dz, dz, (tf.zeros_like(dh), dc * f)


def _gru_forward(x: tf.Tensor, h: tf.Tensor, states: Tensors) -> tuple[Tensors, Tensors]:
    x_update, x_reset, x_candidate = tf.split(x, 3, axis=-1)
    h_update, h_reset, h_candidate = tf.split(h, 3, axis=-1)
    update, reset = tf.sigmoid(x_update + h_update), tf.sigmoid(x_reset + h_reset)
    candidate = tf.tanh(x_candidate + reset * h_candidate)
    return (update * states[0] + (1.0 - update) * candidate,), (update, reset, candidate, h_candidate)


def _gru_backward(gradients: Tensors, states: Tensors, kept: Tensors) -> tuple[tf.Tensor, tf.Tensor, Tensors]:
    (dh,), (update, reset, candidate, h_candidate) = gradients, kept
    d_candidate = dh * (1.0 - update) * (1.0 - candidate * candidate)
    d_update = dh * (states[0] - candidate) * update * (1.0 - update)
    d_reset = d_candidate * h_candidate * reset * (1.0 - reset)
    through_x = tf.concat([d_update, d_reset, d_candidate], axis=-1)
    through_h = tf.concat([d_update, d_reset, d_candidate * reset], axis=-1)
    return through_x, through_h, (dh * update,)


def _simple_forward(x: tf.Tensor, h: tf.Tensor, states: Tensors) -> tuple[Tensors, Tensors]:
    output = tf.tanh(x + h)
    return (output,), (output,)


def _relu_forward(x: tf.Tensor, h: tf.Tensor, states: Tensors) -> tuple[Tensors, Tensors]:
    output = tf.nn.relu(x + h)
    return (output,), (output,)


def _simple_backward(gradients: Tensors, states: Tensors, kept: Tensors) -> tuple[tf.Tensor, tf.Tensor, Tensors]:
    (dh,), (output,) = gradients, kept
    dz = dh * (1.0 - output * output)
    return dz, dz, (tf.zeros_like(dh),)


def _relu_backward(gradients: Tensors, states: Tensors, kept: Tensors) -> tuple[tf.Tensor, tf.Tensor, Tensors]:
    (dh,), (output,) = gradients, kept
    dz = tf.where(output > 0, dh, tf.zeros_like(dh))
    return dz, dz, (tf.zeros_like(dh),)


# Hochreiter & Schmidhuber 1997, with the forget gate of Gers et al. 2000.
LSTM_STEP = Step("lstm", 4, 2, (1, 1, 1, 1, 1), _lstm_forward, _lstm_backward, loop_rows=(2, 1), loop_units=256)
# Gers & Schmidhuber 2000.
PEEPHOLE_LSTM_STEP = Step("peephole_lstm", 4, 2, (1, 1, 1, 1))
# Cho et al. 2014, reset gate applied after the recurrent product (Keras' `reset_after=True`, cuDNN's variant).
GRU_STEP = Step("gru", 3, 1, (1, 1, 1, 1), _gru_forward, _gru_backward, loop_rows=(128, 1), loop_units=256)
# The paper's own variant, reset gate applied before the recurrent product (`reset_after=False`): two products a step.
GRU_RESET_BEFORE_STEP = Step("gru_reset_before", 3, 1, (1, 1, 1))
# Elman 1990.
SIMPLE_RNN_STEP = Step(
    "simple_rnn", 1, 1, (1,), _simple_forward, _simple_backward, loop_rows=(32, None), loop_units=512
)
# Le et al. 2015.
RELU_RNN_STEP = Step(
    "relu_rnn", 1, 1, (1,), _relu_forward, _relu_backward, "relu", loop_rows=(32, None), loop_units=512
)


def simple_rnn_step(activation: Callable) -> Step:
    """The step of a plain recurrent cell with this activation; the tanh step for any activation but relu."""
    return RELU_RNN_STEP if activation is keras.activations.relu else SIMPLE_RNN_STEP


def gru_step(reset_after: bool) -> Step:
    """The step of one of the two GRUs, selected by Keras' `reset_after`."""
    return GRU_STEP if reset_after else GRU_RESET_BEFORE_STEP
