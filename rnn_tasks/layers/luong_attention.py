"""Multiplicative attention."""

from __future__ import annotations

from typing import Literal

import keras
from keras import ops

from rnn_tasks.layers.attention import read_memory


@keras.saving.register_keras_serializable(package="rnn_tasks")
class LuongAttention(keras.layers.Layer):
    """score(query, memory) = query · W memory, or query · memory, scaled by the root of the width if asked.

    Args:
        units: width of the queries, and of the keys: W memory, or the memory itself.
        scaled: divide the scores by sqrt(units).
        score: "general" has the weights W, "dot" has none.

    Call arguments:
        query: (batch, queries, units).
        memory: (batch, memory time, memory units).
        keys: `project(memory)`, computed once for all queries; None computes it here.
        mask: (batch, memory time) bool, True where there is memory.

    Returns:
        context (batch, queries, memory units), alignment (batch, queries, memory time) in float32 at least.

    Raises:
        ValueError: unknown `score`; queries, or with "dot" a memory, whose width is not `units`.

    References:
        Luong et al. 2015, "Effective Approaches to Attention-based Neural Machine Translation", equation 8, "general"
        and "dot".
    """

    def __init__(self, units: int, scaled: bool = False, score: Literal["general", "dot"] = "general", **kwargs):
        super().__init__(**kwargs)
        if score not in ("general", "dot"):
            raise ValueError(f'LuongAttention takes score "general" or "dot", found "{score}"')
        self.units, self.scaled, self.score = units, scaled, score
        self.supports_masking = True
        if score == "general":
            self.memory_projection = keras.layers.Dense(units, use_bias=False, dtype=self.dtype_policy, name="memory")

    def build(self, query_shape, memory_shape):
        if query_shape[-1] != self.units:
            raise ValueError(f"LuongAttention({self.units}) takes queries of that width, found {tuple(query_shape)}")
        if self.score == "general":
            self.memory_projection.build(memory_shape)
        elif memory_shape[-1] != self.units:
            raise ValueError(
                f'LuongAttention({self.units}, score="dot") takes a memory of that width, found {tuple(memory_shape)}'
            )

    def project(self, memory):
        """Memory (batch, memory time, memory units) -> keys (batch, memory time, units)."""
        return self.memory_projection(memory) if self.score == "general" else memory

    def call(self, query, memory, keys=None, mask=None):
        keys = self.project(memory) if keys is None else keys
        scores = ops.matmul(query, ops.transpose(keys, [0, 2, 1]))  # (batch, queries, memory time)
        return read_memory(scores / self.units**0.5 if self.scaled else scores, memory, mask)

    def compute_mask(self, query, mask=None):
        return None

    def compute_output_shape(self, query_shape, memory_shape):
        return (*query_shape[:-1], memory_shape[-1]), (*query_shape[:-1], memory_shape[1])

    def get_config(self):
        return {**super().get_config(), "units": self.units, "scaled": self.scaled, "score": self.score}
