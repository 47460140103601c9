"""Dropout masks that all steps of a sequence share: drawn before its loop, forgotten after it.

Keras' cells draw their masks at the first step and store them on the cell. Inside a loop, the first step is too late:
tensors made in the loop's body cannot be kept. And other threads would find masks on the cell. So here the masks belong
to the call.
"""

from __future__ import annotations

import contextlib
import types
from collections.abc import Iterator
from typing import Any

import keras
from keras import ops
from keras.src.layers.rnn.dropout_rnn_cell import DropoutRNNCell  # not public, but what Keras' RNN looks for

from rnn_tasks.layers.calls import keep, kept, restored


class CallMasks:
    """Mixed into a Keras cell: it keeps the masks that its steps share for the call, not on the cell."""

    def get_dropout_mask(self, step_input):
        return _shared_mask(self, "dropout", step_input)

    def get_recurrent_dropout_mask(self, step_input):
        return _shared_mask(self, "recurrent_dropout", step_input)

    def reset_dropout_mask(self):
        _forget(self, "dropout")

    def reset_recurrent_dropout_mask(self):
        _forget(self, "recurrent_dropout")


def keep_masks_apart(cell: keras.layers.Layer) -> None:
    """Make Keras' own cells within `cell` keep their masks for the call, as our cells do."""
    for part in cell._flatten_layers():
        if hasattr(part, "recurrent_dropout") and type(part).get_dropout_mask is DropoutRNNCell.get_dropout_mask:
            for name, method in vars(CallMasks).items():
                if name.endswith("_mask"):
                    setattr(part, name, types.MethodType(method, part))


@contextlib.contextmanager
def one_mask_a_sequence(cell: keras.layers.Layer, batch_size: Any, training: bool) -> Iterator[None]:
    """Inside the block, every cell within `cell` keeps its masks; a cell without masks draws new ones."""
    if not training:
        yield
        return
    with restored(cell._flatten_layers()):
        draw_masks(cell, batch_size)
        yield


@contextlib.contextmanager
def masks_of_its_own(cell: keras.layers.Layer, training: bool) -> Iterator[None]:
    """A new sequence begins in the block; masks that a user's own loop has drawn are restored after the block."""
    if not training:
        yield
        return
    with restored(cell._flatten_layers()):
        forget_masks(cell)
        yield


def draw_masks(cell: keras.layers.Layer, batch_size: Any) -> None:
    """Draw masks for every cell within `cell` that keeps masks over a sequence."""
    for layer in cell._flatten_layers():
        if hasattr(layer, "draw_own_masks"):  # DropoutWrapper
            layer.draw_own_masks(batch_size)
        elif hasattr(layer, "recurrent_dropout"):  # Keras' cells
            layer.get_dropout_mask(ops.zeros((batch_size, layer.kernel.shape[0]), layer.compute_dtype))
            layer.get_recurrent_dropout_mask(ops.zeros((batch_size, layer.units), layer.compute_dtype))


def forget_masks(cell: keras.layers.Layer) -> None:
    """Make every cell within `cell` draw new masks for its next sequence."""
    for layer in cell._flatten_layers():
        if hasattr(layer, "forget_own_masks"):
            layer.forget_own_masks()
        elif hasattr(layer, "recurrent_dropout"):
            layer.reset_dropout_mask()
            layer.reset_recurrent_dropout_mask()


def _shared_mask(cell: Any, rate: str, step_input: Any) -> Any:
    masks = kept(cell) or {}
    if rate not in masks and getattr(cell, rate) > 0:
        masks = {**masks, rate: cell._create_dropout_mask(step_input, getattr(cell, rate))}
        keep(cell, masks)
    return masks.get(rate)


def _forget(cell: Any, rate: str) -> None:
    if masks := kept(cell):
        keep(cell, {name: mask for name, mask in masks.items() if name != rate} or None)
