"""Dropout of a recurrent layer's state-to-state weights, with one mask for a whole sequence."""

from __future__ import annotations

from typing import Any

import keras

from rnn_tasks.layers.cell_run import choose, run_kernel


def run_with_weights_dropped(
    layer: Any, sequences: Any, initial_state: Any, dropout: keras.layers.Dropout
) -> tuple[Any, Any]:
    """Run a built layer in training with dropped recurrent weights: one mask for all rows and steps.

    It uses the layer's kernel, or a loop of TensorFlow's operations if the layer has none.

    Args:
        layer: LSTM, GRU or SimpleRNN, or an RNN over one cell of this package that has a kernel.
        sequences: (batch, time, features).
        initial_state: its states, each (batch, units).
        dropout: applied to the weights (units, gates · units).

    Returns:
        outputs (batch, time, units) and the final states.

    References:
        Merity, Keskar & Socher (2018), Regularizing and Optimizing LSTM Language Models, section 2.
    """
    cell, step = layer.cell, getattr(layer, "step", None) or layer.cell.step
    dropped = _Dropped(cell, dropout(cell.recurrent_kernel, training=True))
    kernel = choose(cell, step, True, sequences.shape[0]).kernel
    if kernel == "none":  # in float16, say, where Keras' own loop would be the fastest
        if step.forward is None:
            raise ValueError(f"{layer.name} has no kernel here, which weight dropout needs")
        kernel = "tensorflow"
    return run_kernel(dropped, sequences, initial_state, step, kernel, training=True)


class _Dropped:
    """A cell with other recurrent weights."""

    def __init__(self, cell: Any, recurrent_kernel: Any):
        self._cell, self.recurrent_kernel = cell, recurrent_kernel

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cell, name)
