"""SimpleRNN over whole sequences, faster than Keras' own on a CPU."""

from __future__ import annotations

import keras

from rnn_tasks.layers.fused import fallback_reason, fused_inner_loop
from rnn_tasks.layers.kernels.steps import SIMPLE_RNN_STEP


@keras.saving.register_keras_serializable(package="rnn_tasks")
class SimpleRNN(keras.layers.SimpleRNN):
    """`keras.layers.SimpleRNN` with the same arguments, weights and results, on a fused kernel where one applies.

    Where none does (`fused.fallback_reason` says why) it is Keras' layer unchanged, cuDNN included.

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

    def inner_loop(self, sequences, initial_state, mask, training=False):
        if fallback_reason(self):
            return super().inner_loop(sequences, initial_state, mask, training=training)
        return fused_inner_loop(self, SIMPLE_RNN_STEP, sequences, initial_state, mask, training)
