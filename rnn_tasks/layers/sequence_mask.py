"""Lengths as a mask, inside a functional model."""

from __future__ import annotations

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="rnn_tasks")
class SequenceMask(keras.layers.Layer):
    """Which time steps of right-padded sequences count.

    Call arguments:
        sequences: (batch, time, …); only the size of its time dimension is used.
        lengths: (batch,) of any int type, the number of steps that count.

    Returns:
        (batch, time) bool, to be handed to recurrent layers as `mask`.
    """

    def call(self, sequences, lengths):
        return tf.sequence_mask(lengths, tf.shape(sequences)[1])

    def compute_output_spec(self, sequences, lengths):
        return keras.KerasTensor(sequences.shape[:2], dtype="bool")
