"""The plain recurrent cell that starts by copying its state."""

from __future__ import annotations

import keras

from rnn_tasks.layers.cell_run import KernelCell
from rnn_tasks.layers.kernels.steps import RELU_RNN_STEP


@keras.saving.register_keras_serializable(package="rnn_tasks")
class IRNNCell(KernelCell, keras.layers.SimpleRNNCell):
    """h' = relu(x W + h U + b), where U starts as the identity times `recurrent_scale` and b at zero.

    The weights are those of `keras.layers.SimpleRNNCell`. The paper fixes the activation and the start of U and b, so
    they are not arguments.

    Args:
        units: width of the state.
        recurrent_scale: 1 remembers longest; smaller values forget, like a small forget gate (the paper's speech task
            has 0.01).
        kernel_initializer: of W; None is the paper's normal distribution with standard deviation 0.001.
        kwargs: every other argument of `keras.layers.SimpleRNNCell`.

    Call arguments:
        inputs: (batch, features).
        states: h (batch, units).
        training: whether dropout is on.

    Returns:
        output (batch, units), and the new [h].

    References:
        Le et al. 2015, "A Simple Way to Initialize Recurrent Networks of Rectified Linear Units".
    """

    step = RELU_RNN_STEP

    def __init__(self, units: int, recurrent_scale: float = 1.0, kernel_initializer=None, **kwargs):
        super().__init__(
            units,
            activation="relu",
            kernel_initializer=kernel_initializer or keras.initializers.RandomNormal(stddev=0.001),
            recurrent_initializer=keras.initializers.Identity(gain=recurrent_scale),
            bias_initializer="zeros",
            **kwargs,
        )
        self.recurrent_scale = recurrent_scale

    def get_config(self):
        config = {**super().get_config(), "recurrent_scale": self.recurrent_scale}
        for fixed in ("activation", "recurrent_initializer", "bias_initializer"):
            del config[fixed]
        return config
