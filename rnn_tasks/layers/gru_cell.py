"""GRU cell, with a fast way through whole sequences."""

from __future__ import annotations

import keras

from rnn_tasks.layers.cell_run import KernelCell
from rnn_tasks.layers.kernels.steps import gru_step


@keras.saving.register_keras_serializable(package="rnn_tasks")
class GRUCell(KernelCell, keras.layers.GRUCell):
    """`keras.layers.GRUCell` with the same arguments, weights and results.

    `reset_after` selects one of two GRUs: True applies the reset gate to h U and adds a second bias, as in cuDNN; False
    applies the reset gate to h before U, as in the paper and in TF1.

    Args:
        units: width of the state; every other argument is Keras' own.

    Call arguments:
        inputs: (batch, features).
        states: h (batch, units).
        training: whether dropout is on.

    Returns:
        output (batch, units), and the new [h].

    References:
        Cho et al. 2014, "Learning Phrase Representations using RNN Encoder-Decoder", equations 5 to 8.
    """

    @property
    def step(self):
        """The recurrence that the cell's `reset_after` selects."""
        return gru_step(self.reset_after)
