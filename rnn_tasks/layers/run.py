"""Run any cell over whole sequences: by the cell's own `run` if it has one, else step by step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf
from keras import ops

from rnn_tasks.layers.kernels.tapes import arrays_differentiate
from rnn_tasks.layers.masking import beside
from rnn_tasks.layers.shared_masks import one_mask_a_sequence


def run_cell(
    cell: keras.layers.Layer, sequences: Any, initial_state: Any, mask: Any = None, training: bool = False
) -> tuple[Any, Any]:
    """Run a built cell over a sequence, in its fastest way.

    Args:
        cell: any cell.
        sequences: (batch, time, features).
        initial_state: nest of tensors like `cell.state_size`.
        mask: (batch, time) bool; where False, the states pass through unchanged. None for all True.
        training: whether dropout is on.

    Returns:
        outputs (batch, time, units), which may be anything where the mask is False, and the final states, a nest like
        `initial_state`.
    """
    run = getattr(cell, "run", None)
    if run is None:
        return loop_cell(cell, sequences, initial_state, mask, training)
    dtype = cell.compute_dtype  # a call would cast its arguments, but `run` is called directly
    initial_state = keras.tree.map_structure(lambda state: ops.cast(state, dtype), initial_state)
    return run(ops.cast(sequences, dtype), initial_state, mask=mask, training=training)


def loop_cell(
    cell: keras.layers.Layer,
    sequences: Any,
    initial_state: Any,
    mask: Any = None,
    training: bool = False,
    unroll: bool = False,
    record: Callable[[Any], list[Any]] = lambda states: [],
) -> Any:
    """Run a built cell over a sequence, with one `call` for each step.

    Args:
        cell, sequences, initial_state, mask, training: as in `run_cell`.
        unroll: write the steps out one after the other instead of using a loop; their number must be known.
        record: selects tensors (batch, …) from the states; they are returned for every step.

    Returns:
        outputs (batch, time, units) and the final states, as in `run_cell`, then the recorded tensors, each
        (batch, time, …).
    """
    batch = ops.shape(sequences)[0]
    mask = None if mask is None else tf.convert_to_tensor(mask)
    # Shapes and types of a step's results: an empty sequence has no step that shows them.
    patterns = [ops.zeros((batch, output_size(cell)), cell.compute_dtype), *record(initial_state)]

    def advance(inputs, keep, before):
        output, after = step_cell(cell, inputs, before, training)
        if keep is not None:
            after = keras.tree.map_structure(lambda new, old: tf.where(beside(keep, new), new, old), after, before)
        return [ops.cast(output, cell.compute_dtype), *record(after)], after

    if not arrays_differentiate():
        if sequences.shape[1] is None:
            raise ValueError(
                f"{cell.name} is differentiated forwards inside a graph, for which the time dimension must be known; "
                "found None"
            )
        unroll = True
    loop = _unrolled if unroll else _looped
    with one_mask_a_sequence(cell, batch, training):
        columns, states = loop(advance, sequences, initial_state, mask, patterns)
    return columns[0], states, *columns[1:]


def step_cell(cell: keras.layers.Layer, inputs: Any, states: Any, training: bool = False) -> tuple[Any, Any]:
    """One step of any cell: output (batch, units) and the new states, a nest of the same form and types as `states`.

    Keras' own cells differ in what they return: a single state with or without a list, a stack of one cell without the
    outer list.
    """
    output, after = cell(inputs, states, training=training)
    flat = zip(keras.tree.flatten(after), keras.tree.flatten(states), strict=True)
    return output, keras.tree.pack_sequence_as(states, [ops.cast(new, old.dtype) for new, old in flat])


def output_size(cell: keras.layers.Layer) -> int:
    """Width of a cell's output; the width of its first state if the cell has no `output_size`."""
    size = getattr(cell, "output_size", None)
    return keras.tree.flatten(cell.state_size)[0] if size is None else size


def state_sizes(cell: keras.layers.Layer) -> list[Any]:
    """Widths of a cell's states, in a list even if there is only one."""
    return list(cell.state_size) if keras.tree.is_nested(cell.state_size) else [cell.state_size]


def first_state(cell: keras.layers.Layer, batch_size: Any) -> list[Any]:
    """The states before a sequence: the cell's own, else zeros."""
    if hasattr(cell, "get_initial_state"):
        states = cell.get_initial_state(batch_size=batch_size)
    else:
        sizes = keras.tree.flatten(cell.state_size)
        states = [ops.zeros((batch_size, size), cell.compute_dtype) for size in sizes]
    return list(states) if keras.tree.is_nested(states) else [states]


def _unrolled(advance, sequences, states, mask, patterns):
    rows = []
    for t, inputs in enumerate(tf.unstack(sequences, axis=1)):
        row, states = advance(inputs, None if mask is None else mask[:, t], states)
        rows.append(row)
    if not rows:
        return [pattern[:, None][:, :0] for pattern in patterns], states
    return [tf.stack(column, axis=1) for column in zip(*rows, strict=True)], states


def _looped(advance, sequences, states, mask, patterns):
    time = tf.shape(sequences)[1] if sequences.shape[1] is None else sequences.shape[1]
    # A TensorArray, not slices: at every step, the gradient of a slice is as long as the whole sequence.
    inputs = tf.TensorArray(sequences.dtype, time, element_shape=(sequences.shape[0], *sequences.shape[2:]))
    inputs = inputs.unstack(_swapped(sequences))
    columns = [tf.TensorArray(pattern.dtype, time, element_shape=pattern.shape) for pattern in patterns]

    def body(t, states, columns):
        row, states = advance(inputs.read(t), None if mask is None else mask[:, t], states)
        return t + 1, states, [column.write(t, value) for column, value in zip(columns, row, strict=True)]

    _, states, columns = tf.while_loop(
        lambda t, *_: t < time, body, (tf.constant(0), states, columns), maximum_iterations=time
    )
    return [_swapped(column.stack()) for column in columns], states


def _swapped(values):
    """(batch, time, …) as (time, batch, …), or back."""
    return tf.transpose(values, [1, 0, *range(2, len(values.shape))])
