"""What every attention shares: a masked softmax over the memory and the context it reads."""

from __future__ import annotations

from typing import Any

from keras import ops


def read_memory(scores: Any, memory: Any, mask: Any) -> tuple[Any, Any]:
    """Turn scores into an alignment and the context it reads.

    Args:
        scores: (batch, queries, memory time).
        memory: (batch, memory time, units).
        mask: (batch, memory time) bool, True where there is memory; or None.

    Returns:
        context (batch, queries, units) and alignment (batch, queries, memory time), which sums to 1 over memory.
    """
    scores = ops.cast(scores, "float32")  # a softmax over half precision loses the small alignments
    if mask is not None:
        scores = ops.where(mask[:, None, :], scores, -1e9)
    alignment = ops.softmax(scores, axis=-1)
    return ops.matmul(ops.cast(alignment, memory.dtype), memory), alignment
