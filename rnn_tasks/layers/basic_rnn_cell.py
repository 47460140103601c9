"""The plain recurrent cell, with a fast way through whole sequences."""

from __future__ import annotations

import keras

from rnn_tasks.layers.cell_run import KernelCell
from rnn_tasks.layers.kernels.steps import simple_rnn_step


@keras.saving.register_keras_serializable(package="rnn_tasks")
class BasicRNNCell(KernelCell, keras.layers.SimpleRNNCell):
    """`keras.layers.SimpleRNNCell`, h' = tanh(x W + h U + b), with the same arguments, weights and results.

    Args:
        units: width of the state; every other argument is Keras' own.

    Call arguments:
        inputs: (batch, features).
        states: h (batch, units).
        training: whether dropout is on.

    Returns:
        output (batch, units), and the new [h].

    References:
        Elman 1990, "Finding Structure in Time".
    """

    @property
    def step(self):
        """The recurrence with the cell's activation."""
        return simple_rnn_step(self.activation)
