"""The base class of the LSTM cells, with the initial bias of the forget gate."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from rnn_tasks.layers.shared_masks import CallMasks


class ForgetBiasLSTMCell(CallMasks, keras.layers.LSTMCell):
    """`keras.layers.LSTMCell` whose forget gate's bias starts at `forget_bias` instead of at 1.

    The number becomes part of the bias weight, as with Keras' `unit_forget_bias`. TF1's `BasicLSTMCell` added it to the
    gate at every step, besides the bias. Both start as the same function. But if you load a TF1 checkpoint, add
    `forget_bias` to the forget gate's quarter of the bias.

    Args:
        units, and all else: `keras.layers.LSTMCell`'s own.
        forget_bias: start of the forget gate's bias, by keyword; only with `use_bias` and `unit_forget_bias`.

    Raises:
        ValueError: `forget_bias` is given without `use_bias` and `unit_forget_bias`.

    References:
        Gers et al. 2000, "Learning to Forget"; Jozefowicz et al. 2015 for the value 1.
    """

    def __init__(self, units: int, *args, forget_bias: float = 1.0, **kwargs):
        super().__init__(units, *args, **kwargs)
        if forget_bias != 1.0 and not (self.use_bias and self.unit_forget_bias):
            raise ValueError(
                f"forget_bias={forget_bias} wants use_bias=True and unit_forget_bias=True, "
                f"found {self.use_bias} and {self.unit_forget_bias}"
            )
        self.forget_bias = forget_bias

    def add_weight(self, shape=None, initializer=None, *, name=None, **options):
        # Keras' `build` supports only a forget bias of 1; its other weights are as we want them.
        if name == "bias" and self.unit_forget_bias:
            initializer = self._initial_bias
        return super().add_weight(shape=shape, initializer=initializer, name=name, **options)

    def _initial_bias(self, shape: tuple[int], dtype: Any = None) -> Any:
        input_gate = self.bias_initializer((self.units,), dtype)
        forget_gate = ops.full((self.units,), self.forget_bias, dtype)
        others = self.bias_initializer((2 * self.units,), dtype)
        return ops.concatenate([input_gate, forget_gate, others])

    def get_config(self):
        return {**super().get_config(), "forget_bias": self.forget_bias}
