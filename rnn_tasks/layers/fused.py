"""What the fast LSTM, GRU and SimpleRNN share: when the whole-sequence kernel applies, and how it is called."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf
from keras import ops

from rnn_tasks.layers.kernels.sequence import recur
from rnn_tasks.layers.kernels.steps import Step


def fallback_reason(layer: keras.layers.RNN) -> str | None:
    """Why `layer` must take Keras' own loop; None when the fused kernel computes the same."""
    cell = layer.cell
    if keras.backend.backend() != "tensorflow":
        return f"the Keras backend is {keras.backend.backend()}, the kernel is written in TensorFlow"
    if tf.config.list_physical_devices("GPU"):
        return "a GPU is present, where Keras takes cuDNN"
    if cell.activation is not keras.activations.tanh:
        return f"activation is {_name(cell.activation)}, not tanh"
    if getattr(cell, "recurrent_activation", keras.activations.sigmoid) is not keras.activations.sigmoid:
        return f"recurrent_activation is {_name(cell.recurrent_activation)}, not sigmoid"
    if not getattr(cell, "reset_after", True):
        return "reset_after is False"
    if layer.recurrent_dropout:
        return f"recurrent_dropout is {layer.recurrent_dropout}"
    if layer.unroll:
        return "unroll is True"
    return None


def fused_inner_loop(
    layer: keras.layers.RNN, step: Step, sequences: Any, initial_state: Any, mask: Any, training: bool
) -> tuple[Any, Any, list[Any]]:
    """What `keras.layers.RNN.inner_loop` returns: last output, outputs (batch, time, units), final states.

    Args:
        layer: whose cell's weights are used.
        step: the recurrence.
        sequences: (batch, time, features).
        initial_state: list of (batch, units).
        mask: (batch, time) bool or None.
        training: input dropout is on.
    """
    cell = layer.cell
    mask = mask[0] if isinstance(mask, (list, tuple)) else mask
    if training and layer.dropout:
        sequences = sequences * ops.expand_dims(cell.get_dropout_mask(sequences[:, 0, :]), axis=1)
    if layer.go_backwards:
        sequences = ops.flip(sequences, axis=1)
        mask = None if mask is None else ops.flip(mask, axis=1)
    dtype = cell.compute_dtype
    kernel, recurrent_kernel = ops.cast(cell.kernel, dtype), ops.cast(cell.recurrent_kernel, dtype)
    bias = ops.zeros((kernel.shape[1],), dtype) if cell.bias is None else ops.cast(cell.bias, dtype)
    recurrent_bias = None
    if len(bias.shape) == 2:  # GRU has one for each projection
        bias, recurrent_bias = tf.unstack(bias)
    outputs, states = recur(
        step, ops.cast(sequences, dtype), initial_state, kernel, recurrent_kernel, bias, recurrent_bias, mask, training
    )
    if mask is not None:
        # Before its first unmasked step a sequence has no output, even where a state was given.
        started = ops.cumsum(ops.cast(mask, "int32"), axis=1) > 0  # (batch, time)
        outputs = ops.where(started[:, :, None], outputs, ops.zeros_like(outputs))
    last = outputs[:, -1]
    if layer.zero_output_for_mask and mask is not None:
        outputs = outputs * ops.cast(mask, dtype)[:, :, None]
    return last, outputs if layer.return_sequences else last[:, None], states


def _name(activation: Any) -> str:
    return getattr(activation, "__name__", str(activation))
