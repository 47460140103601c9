"""A sequence as one vector: the mean of its steps, weighted by the scores that a small network gives them."""

from __future__ import annotations

import keras
from keras import ops

from rnn_tasks.layers.attention import read_memory


@keras.saving.register_keras_serializable(package="rnn_tasks")
class AttentionPooling(keras.layers.Layer):
    """Σ α_t h_t with α = softmax over time of v · tanh(W h_t + b).

    Args:
        units: width of W and v.
        kernel_initializer, score_initializer: of W and of v.

    Call arguments:
        sequences: (batch, time, features).
        mask: (batch, time) bool; False steps have no weight. A sequence without any step is all zeros.

    Returns:
        (batch, features).

    References:
        Yang et al. 2016, "Hierarchical Attention Networks for Document Classification", section 2.2.
    """

    def __init__(self, units: int, kernel_initializer="glorot_uniform", score_initializer="glorot_uniform", **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.score_initializer = keras.initializers.get(score_initializer)
        self.supports_masking = True

    def build(self, sequences_shape):
        kernel_shape = sequences_shape[-1], self.units
        self.kernel = self.add_weight(shape=kernel_shape, initializer=self.kernel_initializer, name="kernel")
        self.bias = self.add_weight(shape=(self.units,), initializer="zeros", name="bias")
        self.score = self.add_weight(shape=(self.units, 1), initializer=self.score_initializer, name="score")

    def call(self, sequences, mask=None):
        hidden = ops.tanh(ops.matmul(sequences, self.kernel) + self.bias)  # (batch, time, units)
        scores = ops.swapaxes(ops.matmul(hidden, self.score), 1, 2)  # (batch, 1, time)
        context, _ = read_memory(scores, sequences, mask)  # (batch, 1, features)
        return context[:, 0]

    def compute_mask(self, sequences, previous_mask=None):
        return None

    def compute_output_shape(self, sequences_shape):
        return sequences_shape[0], sequences_shape[2]

    def get_config(self):
        return {
            **super().get_config(),
            "units": self.units,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "score_initializer": keras.initializers.serialize(self.score_initializer),
        }
