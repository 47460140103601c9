"""What the fast LSTM, GRU and SimpleRNN share: Keras' layer, with its inner loop replaced where a kernel is faster."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf
from keras import ops

from rnn_tasks.layers.cell_run import Choice, choose, run_kernel
from rnn_tasks.layers.kernels.steps import Step


def choose_for_layer(layer: keras.layers.RNN, step: Step, training: bool) -> Choice:
    """`choose` for the layer's cell; what no kernel computes is left to Keras."""
    return Choice("none", "unroll is True") if layer.unroll else choose(layer.cell, step, training)


class FusedLoop:
    """Mixed into a recurrent layer of Keras': its `inner_loop` on a kernel, its own where none applies.

    Attributes:
        step: the recurrence of the layer's cell.
    """

    step: Step

    def inner_loop(self: Any, sequences, initial_state, mask, training=False):
        """What `keras.layers.RNN.inner_loop` returns: last output, outputs (batch, time, units), final states."""
        kernel = choose_for_layer(self, self.step, training).kernel
        if kernel == "none":
            return super().inner_loop(sequences, initial_state, mask, training=training)  # type: ignore[misc]
        mask = mask[0] if isinstance(mask, (list, tuple)) else mask
        if self.go_backwards:
            sequences = ops.flip(sequences, axis=1)
            mask = None if mask is None else ops.flip(mask, axis=1)
        outputs, states = run_kernel(self.cell, sequences, initial_state, self.step, kernel, mask, training)
        if mask is not None:
            # Before its first unmasked step a sequence has no output, even where a state was given.
            started = tf.cumsum(tf.cast(mask, tf.int32), axis=1) > 0  # (batch, time)
            outputs = tf.where(started[:, :, None], outputs, tf.zeros_like(outputs))
            if self.zero_output_for_mask:
                outputs = tf.where(mask[:, :, None], outputs, tf.zeros_like(outputs))
        last = outputs[:, -1]
        return last, outputs if self.return_sequences else last[:, None], states
