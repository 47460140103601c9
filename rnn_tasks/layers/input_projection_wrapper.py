"""Projection before a cell."""

from __future__ import annotations

import keras

from rnn_tasks.layers.cell_wrapper import CellWrapper
from rnn_tasks.layers.run import run_cell, step_cell


@keras.saving.register_keras_serializable(package="rnn_tasks")
class InputProjectionWrapper(CellWrapper):
    """Gives a cell activation(input W + b) instead of its input; for a whole sequence in one GEMM.

    Args:
        cell: any cell.
        units: width of the projection.
        activation, use_bias: as in `keras.layers.Dense`.

    Call arguments:
        inputs: (batch, features).
        states: the cell's.
        training: handed to the cell.

    Returns:
        output (batch, cell's units), the cell's new states.
    """

    def __init__(self, cell, units: int, activation=None, use_bias: bool = True, **kwargs):
        super().__init__(cell, **kwargs)
        self.units, self.activation, self.use_bias = units, keras.activations.get(activation), use_bias
        self.projection = keras.layers.Dense(
            units, activation=activation, use_bias=use_bias, dtype=self.dtype_policy, name="projection"
        )

    def build(self, input_shape):
        self.projection.build(input_shape)
        super().build((input_shape[0], self.units))

    def call(self, inputs, states, training=False):
        return step_cell(self.cell, self.projection(inputs), states, training)

    def run(self, sequences, initial_state, mask=None, training=False):
        """A whole sequence; see `rnn_tasks.layers.run`."""
        return run_cell(self.cell, self.projection(sequences), initial_state, mask, training)

    def get_config(self):
        activation = keras.activations.serialize(self.activation)
        return {**super().get_config(), "units": self.units, "activation": activation, "use_bias": self.use_bias}
