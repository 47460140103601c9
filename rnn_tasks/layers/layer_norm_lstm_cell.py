"""LSTM cell with layer normalisation."""

from __future__ import annotations

import keras
from keras import ops

from rnn_tasks.layers.forget_bias_lstm_cell import ForgetBiasLSTMCell


@keras.saving.register_keras_serializable(package="rnn_tasks")
class LayerNormLSTMCell(ForgetBiasLSTMCell):
    """LSTM that normalises both projections, before the gates, and the new c.

    (i, f, c̃, o) = LN(x W) + LN(h U) + b, c' = LN(σ(f) · c + σ(i) · tanh(c̃)), h' = σ(o) · tanh(c'). The weight layout
    is that of `tfa.rnn.LayerNormLSTMCell` (kernel, recurrent_kernel, bias, then gamma and beta of kernel_norm,
    recurrent_norm and state_norm). As there, the next step gets the normalised c. In the paper, the next step gets c
    without normalisation, and only the c in the last tanh is normalised.

    Args:
        units: width of the state; every other argument is `keras.layers.LSTMCell`'s own.
        forget_bias: start of the forget gate's bias, by keyword.
        norm_gamma_initializer, norm_beta_initializer: of the gains and shifts, by keyword.
        norm_epsilon: added to the variances, by keyword.

    Call arguments:
        inputs: (batch, features).
        states: h and c, each (batch, units).
        training: whether dropout is on; all gates share one mask.

    Returns:
        output (batch, units), and the new [h, c].

    References:
        Ba et al. 2016, "Layer Normalization", equations 20 to 22.
    """

    def __init__(
        self,
        units: int,
        *args,
        norm_gamma_initializer="ones",
        norm_beta_initializer="zeros",
        norm_epsilon: float = 1e-3,
        **kwargs,
    ):
        super().__init__(units, *args, **kwargs)
        self.norm_gamma_initializer = keras.initializers.get(norm_gamma_initializer)
        self.norm_beta_initializer = keras.initializers.get(norm_beta_initializer)
        self.norm_epsilon = norm_epsilon
        # One mask for all gates, since they share a norm. With recurrent_dropout, Keras would draw one for each gate.
        self.dropout_mask_count = None
        self.kernel_norm = self._norm("kernel_norm")
        self.recurrent_norm = self._norm("recurrent_norm")
        self.state_norm = self._norm("state_norm")

    def build(self, input_shape):
        super().build(input_shape)
        self.kernel_norm.build((None, 4 * self.units))
        self.recurrent_norm.build((None, 4 * self.units))
        self.state_norm.build((None, self.units))

    def call(self, inputs, states, training=False):
        h, c = states
        if training and 0.0 < self.dropout < 1.0:
            inputs = inputs * self.get_dropout_mask(inputs)
        if training and 0.0 < self.recurrent_dropout < 1.0:
            h = h * self.get_recurrent_dropout_mask(h)
        gates = self.kernel_norm(ops.matmul(inputs, self.kernel))
        gates = gates + self.recurrent_norm(ops.matmul(h, self.recurrent_kernel))
        if self.use_bias:
            gates = gates + self.bias
        i, f, candidate, o = ops.split(gates, 4, axis=-1)
        c = self.recurrent_activation(f) * c + self.recurrent_activation(i) * self.activation(candidate)
        c = self.state_norm(c)
        h = self.recurrent_activation(o) * self.activation(c)
        return h, [h, c]

    def get_config(self):
        return {
            **super().get_config(),
            "norm_gamma_initializer": keras.initializers.serialize(self.norm_gamma_initializer),
            "norm_beta_initializer": keras.initializers.serialize(self.norm_beta_initializer),
            "norm_epsilon": self.norm_epsilon,
        }

    def _norm(self, name: str) -> keras.layers.LayerNormalization:
        return keras.layers.LayerNormalization(
            gamma_initializer=self.norm_gamma_initializer,
            beta_initializer=self.norm_beta_initializer,
            epsilon=self.norm_epsilon,
            dtype=self.dtype_policy,
            name=name,
        )
