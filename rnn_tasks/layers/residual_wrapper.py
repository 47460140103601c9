"""Residual connection around a cell."""

from __future__ import annotations

import keras
from keras import ops

from rnn_tasks.layers.cell_wrapper import CellWrapper
from rnn_tasks.layers.run import run_cell, step_cell


@keras.saving.register_keras_serializable(package="rnn_tasks")
class ResidualWrapper(CellWrapper):
    """Adds a cell's input to its output.

    Args:
        cell: any cell whose output is as wide as its input.

    Call arguments:
        inputs: (batch, units).
        states: the cell's.
        training: handed to the cell.

    Returns:
        output (batch, units), the cell's new states.

    Raises:
        ValueError: the widths of input and output differ.

    References:
        Wu et al. 2016, "Google's Neural Machine Translation System", equation 6.
    """

    def build(self, input_shape):
        super().build(input_shape)
        if input_shape[-1] != self.output_size:
            raise ValueError(
                f"{self.name} adds inputs and outputs, which must be of one width; found inputs of {input_shape[-1]} "
                f"and outputs of {self.output_size}"
            )

    def call(self, inputs, states, training=False):
        output, states = step_cell(self.cell, inputs, states, training)
        return ops.cast(output, self.compute_dtype) + inputs, states

    def run(self, sequences, initial_state, mask=None, training=False):
        """A whole sequence; see `rnn_tasks.layers.run`."""
        outputs, states = run_cell(self.cell, sequences, initial_state, mask, training)
        return ops.cast(outputs, self.compute_dtype) + sequences, states
