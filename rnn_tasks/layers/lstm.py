"""LSTM over whole sequences, faster than Keras' own on a CPU."""

from __future__ import annotations

import keras

from rnn_tasks.layers.fused import FusedLoop
from rnn_tasks.layers.kernels.steps import LSTM_STEP


@keras.saving.register_keras_serializable(package="rnn_tasks")
class LSTM(FusedLoop, keras.layers.LSTM):
    """`keras.layers.LSTM` with the same arguments, weights and results, on a kernel of ours where one applies.

    Where no kernel applies (`kernel_report` says why), it works as Keras' layer, cuDNN included.

    Args:
        units: width of the state; every other argument is Keras' own.

    Call arguments:
        sequences: (batch, time, features).
        initial_state: list of (batch, units), or None for zeros.
        mask: (batch, time) bool; False steps pass the state through.
        training: whether dropout is on.

    Returns:
        (batch, units), or (batch, time, units) with `return_sequences`; the final states too with `return_state`.
    """

    step = LSTM_STEP
