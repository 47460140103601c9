"""The errors of all layers for tensors of the wrong shape or kind."""

from __future__ import annotations

from typing import Any

import tensorflow as tf


def check_shape(layer: str, name: str, tensor: Any, shape: Any, meaning: str) -> None:
    """Refuse a tensor that cannot have `shape`; an unknown size, on either side, fits any size.

    Args:
        layer: name of the layer that takes the tensor.
        name: the layer's name for the tensor.
        tensor: anything with a shape.
        shape: the sizes wanted, None for any.
        meaning: names of the dimensions, such as "(batch, time)".

    Raises:
        ValueError: names the shapes found and wanted.
    """
    if not tf.TensorShape(tensor.shape).is_compatible_with(shape):
        raise ValueError(f"{layer} takes {name} {meaning} = {tuple(shape)}, found {tuple(tensor.shape)}")


def refuse_ragged(layer: str, name: str, tensor: Any) -> None:
    """Refuse ragged and sparse tensors.

    Raises:
        ValueError: names what is accepted instead.
    """
    instead = {
        "RaggedTensor": "to_tensor() of it, with a mask or lengths of its row_lengths()",
        "SparseTensor": "tf.sparse.to_dense of it",
    }
    kind = type(tensor).__name__
    if kind in instead:
        raise ValueError(f"{layer} takes {name} as a dense tensor, found a {kind}: hand in {instead[kind]}")
