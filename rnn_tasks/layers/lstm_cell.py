"""LSTM cell, with a fast way through whole sequences."""

from __future__ import annotations

import keras

from rnn_tasks.layers.cell_run import KernelCell
from rnn_tasks.layers.forget_bias_lstm_cell import ForgetBiasLSTMCell
from rnn_tasks.layers.kernels.steps import LSTM_STEP


@keras.saving.register_keras_serializable(package="rnn_tasks")
class LSTMCell(KernelCell, ForgetBiasLSTMCell):
    """`keras.layers.LSTMCell` with the same arguments, weights and results, and `forget_bias`.

    Args:
        units: width of the state; every other argument is Keras' own.
        forget_bias: start of the forget gate's bias, by keyword.

    Call arguments:
        inputs: (batch, features).
        states: h and c, each (batch, units).
        training: whether dropout is on.

    Returns:
        output (batch, units), and the new [h, c].

    References:
        Hochreiter & Schmidhuber 1997, "Long Short-Term Memory"; the forget gate by Gers et al. 2000.
    """

    step = LSTM_STEP
