"""Additive attention."""

from __future__ import annotations

import keras
from keras import ops

from rnn_tasks.layers.attention import read_memory


@keras.saving.register_keras_serializable(package="rnn_tasks")
class BahdanauAttention(keras.layers.Layer):
    """score(query, memory) = v · tanh(W query + U memory), with v normalised if asked.

    Args:
        units: width of W query and U memory.
        normalised: v becomes g · v / |v| and a bias enters the tanh (Salimans & Kingma 2016).

    Call arguments:
        query: (batch, queries, query units).
        memory: (batch, memory time, memory units).
        keys: `project(memory)`, computed once for all queries; None computes it here.
        mask: (batch, memory time) bool, True where there is memory.

    Returns:
        context (batch, queries, memory units), alignment (batch, queries, memory time) in float32 at least.

    References:
        Bahdanau et al. 2015, "Neural Machine Translation by Jointly Learning to Align and Translate", appendix A.1.2.
    """

    def __init__(self, units: int, normalised: bool = False, **kwargs):
        super().__init__(**kwargs)
        self.units, self.normalised = units, normalised
        self.supports_masking = True
        dense = {"units": units, "use_bias": False, "dtype": self.dtype_policy}
        self.query_projection = keras.layers.Dense(**dense, name="query")
        self.memory_projection = keras.layers.Dense(**dense, name="memory")

    def build(self, query_shape, memory_shape):
        self.query_projection.build(query_shape)
        self.memory_projection.build(memory_shape)
        self.scale = self.add_weight(shape=(self.units,), initializer="glorot_uniform", name="scale")
        if self.normalised:
            self.gain = self.add_weight(
                shape=(), initializer=keras.initializers.Constant(self.units**-0.5), name="gain"
            )
            self.bias = self.add_weight(shape=(self.units,), initializer="zeros", name="bias")

    def project(self, memory):
        """Memory (batch, memory time, memory units) -> keys (batch, memory time, units)."""
        return self.memory_projection(memory)

    def call(self, query, memory, keys=None, mask=None):
        keys = self.project(memory) if keys is None else keys
        keys, (_, scale) = self.additive_terms(keys)
        # (batch, queries, memory time, units)
        summed = self.query_projection(query)[:, :, None, :] + keys[:, None, :, :]
        scores = ops.squeeze(ops.matmul(ops.tanh(summed), scale[:, None]), axis=-1)
        return read_memory(scores, memory, mask)

    def additive_terms(self, keys):
        """Keys (…, units) with the bias added, and (kernel of the queries, scale).

        A score is scale · tanh(query kernel + keys), whether v is normalised or not.
        """
        scale = ops.cast(self.scale, keys.dtype)
        if self.normalised:
            keys = keys + ops.cast(self.bias, keys.dtype)
            scale = ops.cast(self.gain, keys.dtype) * scale / ops.norm(scale)
        return keys, (self.query_projection.kernel, scale)

    def compute_mask(self, query, mask=None):
        return None

    def compute_output_shape(self, query_shape, memory_shape):
        return (*query_shape[:-1], memory_shape[-1]), (*query_shape[:-1], memory_shape[1])

    def get_config(self):
        return {**super().get_config(), "units": self.units, "normalised": self.normalised}
