"""Dropout masks that all steps of a sequence share: drawn before its loop, forgotten after it.

Keras' cells draw theirs at the first step and keep them, which inside a loop would be too late: what a loop's body
makes cannot be kept. Keras' RNN looks after its own cells, but not after those inside a wrapper.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import keras
from keras import ops


@contextlib.contextmanager
def one_mask_a_sequence(cell: keras.layers.Layer, batch_size: Any, training: bool) -> Iterator[None]:
    """Inside this, every cell within `cell` keeps its masks."""
    if training:
        draw_masks(cell, batch_size)
    try:
        yield
    finally:
        forget_masks(cell)


def draw_masks(cell: keras.layers.Layer, batch_size: Any) -> None:
    """Draw the masks of every cell within `cell` that keeps some."""
    for layer in cell._flatten_layers():
        if hasattr(layer, "draw_own_masks"):  # DropoutWrapper
            layer.draw_own_masks(batch_size)
        elif hasattr(layer, "recurrent_dropout"):  # Keras' cells
            layer.get_dropout_mask(ops.zeros((batch_size, layer.kernel.shape[0]), layer.compute_dtype))
            layer.get_recurrent_dropout_mask(ops.zeros((batch_size, layer.units), layer.compute_dtype))


def forget_masks(cell: keras.layers.Layer) -> None:
    """Make every cell within `cell` draw anew for its next sequence."""
    for layer in cell._flatten_layers():
        if hasattr(layer, "forget_own_masks"):
            layer.forget_own_masks()
        elif hasattr(layer, "recurrent_dropout"):
            layer.reset_dropout_mask()
            layer.reset_recurrent_dropout_mask()
