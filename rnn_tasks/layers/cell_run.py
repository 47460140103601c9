"""Whole sequences through one cell: when the kernel applies, and how it is called."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import keras
import tensorflow as tf
from keras import ops

from rnn_tasks.layers.kernels.sequence import recur
from rnn_tasks.layers.kernels.steps import Step


def run_reason(cell: keras.layers.Layer) -> str | None:
    """Why `cell` must be stepped through a sequence; None when the kernel computes the same."""
    if keras.backend.backend() != "tensorflow":
        return f"the Keras backend is {keras.backend.backend()}, the kernel is written in TensorFlow"
    if tf.config.list_physical_devices("GPU"):
        return "a GPU is present, the kernel is made for CPUs"
    if cell.activation is not keras.activations.tanh:
        return f"activation is {_name(cell.activation)}, not tanh"
    if getattr(cell, "recurrent_activation", keras.activations.sigmoid) is not keras.activations.sigmoid:
        return f"recurrent_activation is {_name(cell.recurrent_activation)}, not sigmoid"
    if not getattr(cell, "reset_after", True):
        return "reset_after is False"
    if cell.recurrent_dropout:
        return f"recurrent_dropout is {cell.recurrent_dropout}"
    if cell.dropout and getattr(cell, "implementation", 2) == 1:
        return "implementation is 1, where each gate has a dropout mask of its own"
    if cell.dropout == 1.0:
        return "dropout is 1.0, which some of Keras' cells take for none"
    return None


def whole_sequence(cell: keras.layers.Layer, step: Step) -> Callable[..., tuple[Any, Any]]:
    """The `run` of a cell, `_run` below without its first two arguments.

    Raises:
        AttributeError: the kernel does not compute what `cell` does. As a property, `run` is then absent, and who asks
            for it steps the cell instead.
    """
    if reason := run_reason(cell):
        raise AttributeError(f"{type(cell).__name__} has no run here: {reason}")
    return partial(_run, cell, step)


def _run(
    cell: keras.layers.Layer,
    step: Step,
    sequences: Any,
    initial_state: Any,
    mask: Any = None,
    training: bool = False,
) -> tuple[Any, Any]:
    """The same numbers as `cell.call` step by step.

    Args:
        cell: built; gives weights, dropout and dtype.
        step: its recurrence.
        sequences: (batch, time, features).
        initial_state: what `cell.call` takes, tensors of (batch, units).
        mask: (batch, time) bool; where False, the states pass through unchanged. None for all True.
        training: input dropout is on, with one mask for all steps.

    Returns:
        outputs (batch, time, units), which may be anything where the mask is False, and the final states.
    """
    dtype = cell.compute_dtype
    sequences = ops.cast(sequences, dtype)
    if training and cell.dropout:
        one_step = ops.zeros((ops.shape(sequences)[0], sequences.shape[2]), dtype)
        sequences = sequences * ops.expand_dims(cell.get_dropout_mask(one_step), axis=1)
        cell.reset_dropout_mask()  # it served its sequence: outside Keras' RNN nobody else would drop it
    kernel, recurrent_kernel = ops.cast(cell.kernel, dtype), ops.cast(cell.recurrent_kernel, dtype)
    bias = ops.zeros((kernel.shape[1],), dtype) if cell.bias is None else ops.cast(cell.bias, dtype)
    recurrent_bias = None
    if len(bias.shape) == 2:  # GRU has one for each projection
        bias, recurrent_bias = tf.unstack(bias)
    states = [ops.cast(state, dtype) for state in keras.tree.flatten(initial_state)]
    outputs, final = recur(step, sequences, states, kernel, recurrent_kernel, bias, recurrent_bias, mask)
    return outputs, keras.tree.pack_sequence_as(initial_state, final)


def _name(activation: Any) -> str:
    return getattr(activation, "__name__", str(activation))
