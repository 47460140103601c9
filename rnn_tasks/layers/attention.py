"""The part that all attentions share: a masked softmax over the memory, and the context that it gives."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf
from keras import ops


def read_memory(scores: Any, memory: Any, mask: Any) -> tuple[Any, Any]:
    """Turn scores into an alignment and the context it reads.

    Args:
        scores: (batch, queries, memory time).
        memory: (batch, memory time, units).
        mask: (batch, memory time) bool, True where there is memory; or None.

    Returns:
        context (batch, queries, units) and alignment (batch, queries, memory time). The alignment sums to 1 over the
        memory. Where a sample has no memory, alignment and context are 0.
    """
    # At least float32: a softmax over half precision loses the small alignments.
    scores = ops.cast(scores, keras.backend.result_type(scores.dtype, "float32"))
    if mask is not None:
        mask = mask[:, None, :]
        scores = ops.where(mask, scores, -1e9)
    alignment = tf.nn.softmax(scores, axis=-1)  # Keras' softmax warns about a memory of one step
    if mask is not None:
        alignment = ops.where(mask, alignment, 0.0)  # else an empty memory would be read as the mean of its padding
    return ops.matmul(ops.cast(alignment, memory.dtype), memory), alignment
