"""What every layer says of a tensor of another shape than it takes."""

from __future__ import annotations

from typing import Any

import tensorflow as tf


def check_shape(layer: str, name: str, tensor: Any, shape: Any, meaning: str) -> None:
    """Refuse a tensor that cannot have `shape`; unknown sizes, on either side, fit any.

    Args:
        layer: who takes the tensor.
        name: what it is to the layer.
        tensor: anything with a shape.
        shape: the sizes wanted, None for any.
        meaning: names of the dimensions, such as "(batch, time)".

    Raises:
        ValueError: shapes found and wanted.
    """
    if not tf.TensorShape(tensor.shape).is_compatible_with(shape):
        raise ValueError(f"{layer} takes {name} {meaning} = {tuple(shape)}, found {tuple(tensor.shape)}")


def refuse_ragged(layer: str, name: str, tensor: Any) -> None:
    """Refuse what has no dense shape.

    Raises:
        ValueError: what to hand in instead.
    """
    instead = {
        "RaggedTensor": "to_tensor() of it, with a mask or lengths of its row_lengths()",
        "SparseTensor": "tf.sparse.to_dense of it",
    }
    kind = type(tensor).__name__
    if kind in instead:
        raise ValueError(f"{layer} takes {name} as a dense tensor, found a {kind}: hand in {instead[kind]}")
