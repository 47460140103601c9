"""Long sequences in bounded memory: the backward pass computes the values of each chunk of time again."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from rnn_tasks.layers.run import run_cell


def run_in_chunks(
    cell: keras.layers.Layer, sequences: Any, initial_state: Any, mask: Any, training: bool, length: int
) -> tuple[Any, Any]:
    """`run_cell` that keeps only the states before each chunk, at the cost of a second forward pass.

    Args:
        cell, sequences, initial_state, mask, training: as in `run_cell`. The cell must have no dropout inside: its
            masks would differ in the second pass.
        length: steps of a chunk.

    Returns:
        outputs (batch, time, units) and the final states, with the same gradients as in `run_cell`.

    References:
        Chen et al. 2016, "Training Deep Nets with Sublinear Memory Cost", section 4.
    """
    starts = range(0, sequences.shape[1], length)
    flat_start = keras.tree.flatten(initial_state)

    def run(chunk, states, start):
        part = None if mask is None else mask[:, start : start + length]
        outputs, after = run_cell(cell, chunk, keras.tree.pack_sequence_as(initial_state, states), part, training)
        return outputs, keras.tree.flatten(after)

    @tf.custom_gradient
    def whole(sequences, *states):
        borders, outputs = [list(states)], []
        for start in starts:
            chunk_outputs, after = run(sequences[:, start : start + length], borders[-1], start)
            outputs.append(chunk_outputs)
            borders.append(after)

        def gradient(d_outputs, *d_final, variables=()):
            d_chunks, d_weights = [], [tf.zeros_like(v) for v in variables]
            d_states = list(d_final)
            for i in reversed(range(len(starts))):
                upstream = d_outputs[:, starts[i] : starts[i] + length]
                # Wait until the gradient has come this far; do not merge with the first pass. Else all would be kept.
                with tf.control_dependencies([upstream, *d_states]):
                    chunk = tf.identity(sequences[:, starts[i] : starts[i] + length])
                    before = [tf.identity(state) for state in borders[i]]
                with tf.GradientTape() as tape:
                    tape.watch([chunk, *before])
                    chunk_outputs, after = run(chunk, before, starts[i])
                d_chunk, d_states, d_new = tape.gradient(
                    [chunk_outputs, *after],
                    (chunk, before, list(variables)),
                    [upstream, *d_states],
                    unconnected_gradients=tf.UnconnectedGradients.ZERO,
                )
                d_chunks.append(d_chunk)
                d_weights = [total + tf.convert_to_tensor(new) for total, new in zip(d_weights, d_new, strict=True)]
            return [tf.concat(d_chunks[::-1], axis=1), *d_states], d_weights

        return (tf.concat(outputs, axis=1), *borders[-1]), gradient

    outputs, *final = whole(sequences, *flat_start)
    return outputs, keras.tree.pack_sequence_as(initial_state, final)


def draws_masks(cell: keras.layers.Layer) -> bool:
    """Whether a cell, or a cell inside it, has dropout in training."""
    rates = ("dropout", "recurrent_dropout")
    kept = ("input_keep_prob", "output_keep_prob", "state_keep_prob")
    return any(
        any(getattr(part, rate, 0) for rate in rates) or any(getattr(part, share, 1) < 1 for share in kept)
        for part in cell._flatten_layers()
        if hasattr(part, "state_size")
    )
