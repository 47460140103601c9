"""LSTM cell whose gates see the cell state."""

from __future__ import annotations

import keras
from keras import ops

from rnn_tasks.layers.cell_run import KernelCell
from rnn_tasks.layers.forget_bias_lstm_cell import ForgetBiasLSTMCell
from rnn_tasks.layers.kernels.steps import PEEPHOLE_LSTM_STEP


@keras.saving.register_keras_serializable(package="rnn_tasks")
class PeepholeLSTMCell(KernelCell, ForgetBiasLSTMCell):
    """LSTM with diagonal peepholes: the input and forget gates see c of the step before, the output gate the new c.

    i = σ(x Wi + h Ui + bi + pi · c), f = σ(x Wf + h Uf + bf + pf · c), c' = f · c + i · tanh(x Wc + h Uc + bc),
    o = σ(x Wo + h Uo + bo + po · c'), h' = o · tanh(c'). Weights are `keras.layers.LSTMCell`'s, then
    `input_gate_peephole_weights`, `forget_gate_peephole_weights` and `output_gate_peephole_weights` of (units,), in the
    layout of `tfa.rnn.PeepholeLSTMCell`.

    Args:
        units: width of the state; every other argument is `keras.layers.LSTMCell`'s own.
        forget_bias: start of the forget gate's bias, by keyword.
        peephole_initializer: of the three peepholes, by keyword; None takes `kernel_initializer`, as TF Addons does.

    Call arguments:
        inputs: (batch, features).
        states: h and c, each (batch, units).
        training: whether dropout is on; c is never dropped.

    Returns:
        output (batch, units), and the new [h, c].

    References:
        Gers & Schmidhuber 2000, "Recurrent Nets that Time and Count".
    """

    step = PEEPHOLE_LSTM_STEP

    def __init__(self, units: int, *args, peephole_initializer=None, **kwargs):
        super().__init__(units, *args, **kwargs)
        self.peephole_initializer = keras.initializers.get(peephole_initializer)

    def build(self, input_shape):
        super().build(input_shape)
        initializer = self.peephole_initializer or self.kernel_initializer
        peephole = {"shape": (self.units,), "initializer": initializer}
        self.input_gate_peephole_weights = self.add_weight(**peephole, name="input_gate_peephole_weights")
        self.forget_gate_peephole_weights = self.add_weight(**peephole, name="forget_gate_peephole_weights")
        self.output_gate_peephole_weights = self.add_weight(**peephole, name="output_gate_peephole_weights")

    @property
    def peepholes(self):
        """The weights to the input, forget and output gates, each (units,)."""
        return self.input_gate_peephole_weights, self.forget_gate_peephole_weights, self.output_gate_peephole_weights

    # The two hooks of Keras' `call`: the first with a dropout mask for each gate, the second without.
    def _compute_carry_and_output(self, x, h, c):
        kernels = ops.split(self.recurrent_kernel, 4, axis=1)
        gates = [ops.add(x_gate, ops.matmul(h_gate, u)) for x_gate, h_gate, u in zip(x, h, kernels, strict=True)]
        return self._compute_carry_and_output_fused(gates, c)

    def _compute_carry_and_output_fused(self, gates, c):
        i, f, candidate, o = gates
        i = self.recurrent_activation(i + self.input_gate_peephole_weights * c)
        f = self.recurrent_activation(f + self.forget_gate_peephole_weights * c)
        c = f * c + i * self.activation(candidate)
        o = self.recurrent_activation(o + self.output_gate_peephole_weights * c)
        return c, o

    def get_config(self):
        return {
            **super().get_config(),
            "peephole_initializer": keras.initializers.serialize(self.peephole_initializer),
        }
