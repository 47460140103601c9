"""Highway connection around a cell."""

from __future__ import annotations

import keras
from keras import ops

from rnn_tasks.layers.cell_wrapper import CellWrapper
from rnn_tasks.layers.run import run_cell, step_cell


@keras.saving.register_keras_serializable(package="rnn_tasks")
class HighwayWrapper(CellWrapper):
    """carry · input + transform · output, where carry and transform are learned gates of the input.

    carry = σ(input W + b) and transform = 1 - carry, or a gate with weights of its own.

    Args:
        cell: any cell whose output is as wide as its input.
        couple_carry_transform_gates: transform = 1 - carry.
        carry_bias_init: start of the carry gate's bias; an uncoupled transform gate's bias starts at its negative. With
            a value above 0, the wrapped cell contributes little at first.

    Call arguments:
        inputs: (batch, units).
        states: the cell's.
        training: handed to the cell.

    Returns:
        output (batch, units), the cell's new states.

    Raises:
        ValueError: the widths of input and output differ.

    References:
        Srivastava et al. 2015, "Highway Networks", equations 2 and 3; as in `tf.contrib.rnn.HighwayWrapper`.
    """

    def __init__(self, cell, couple_carry_transform_gates: bool = True, carry_bias_init: float = 1.0, **kwargs):
        super().__init__(cell, **kwargs)
        self.couple_carry_transform_gates, self.carry_bias_init = couple_carry_transform_gates, carry_bias_init

    def build(self, input_shape):
        super().build(input_shape)
        if input_shape[-1] != self.output_size:
            raise ValueError(
                f"{self.name} mixes inputs and outputs, which must be of one width; found inputs of {input_shape[-1]} "
                f"and outputs of {self.output_size}"
            )
        self.carry = self._gate("carry", self.carry_bias_init, input_shape)
        if not self.couple_carry_transform_gates:
            self.transform = self._gate("transform", -self.carry_bias_init, input_shape)

    def call(self, inputs, states, training=False):
        output, states = step_cell(self.cell, inputs, states, training)
        return self._mix(inputs, output), states

    def run(self, sequences, initial_state, mask=None, training=False):
        """A whole sequence; see `rnn_tasks.layers.run`."""
        outputs, states = run_cell(self.cell, sequences, initial_state, mask, training)
        return self._mix(sequences, outputs), states

    def get_config(self):
        return {
            **super().get_config(),
            "couple_carry_transform_gates": self.couple_carry_transform_gates,
            "carry_bias_init": self.carry_bias_init,
        }

    def _gate(self, name: str, bias: float, input_shape) -> keras.layers.Dense:
        start = keras.initializers.Constant(bias)
        gate = keras.layers.Dense(
            input_shape[-1], activation="sigmoid", bias_initializer=start, dtype=self.dtype_policy, name=name
        )
        gate.build(input_shape)
        return gate

    def _mix(self, inputs, outputs):
        carry = self.carry(inputs)
        transform = 1.0 - carry if self.couple_carry_transform_gates else self.transform(inputs)
        return carry * inputs + transform * ops.cast(outputs, self.compute_dtype)
