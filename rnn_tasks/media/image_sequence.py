"""Images as sequences, light on dark, in one of several orders."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from rnn_tasks.choices import Order

AT_ONCE = 4_096  # images: float32 takes four times their space


@keras.saving.register_keras_serializable(package="rnn_tasks")
class ImageSequence(keras.layers.Layer):
    """Grey images as sequences of feature vectors from 0 (background) to 1.

    If the outermost pixels of an image are, on average, lighter than the middle of the range, the image counts as dark
    on light and is inverted. This is decided for each image, both in training and in use.

    Args:
        order: a step is a row, a column, a pixel (line by line), a pixel in an order that is drawn once
            ("permuted"), or a square ("blocks", line by line).
        block: side of a square.
        shrink: first, every square with this side, in pixels, becomes one pixel, its mean.
        seed: draws the order of "permuted".

    Call arguments:
        images: (batch, height, width), 0 to 255.

    Returns:
        (batch, time, features): rows (height, width), columns (width, height), pixels (height · width, 1), blocks
        (height · width / block², block²).

    Raises:
        ValueError: squares that do not fill the image; the message begins with the name of the argument.
    """

    def __init__(self, order: Order = "rows", block: int = 4, shrink: int = 1, seed: int = 1, **kwargs: Any):
        super().__init__(**kwargs)
        self.order, self.block, self.shrink, self.seed = order, block, shrink, seed

    def call(self, images):
        light = ops.cast(images, self.compute_dtype) / 255.0
        light = ops.where(_border(light)[:, None, None] > 0.5, 1.0 - light, light)  # (batch, height, width)
        if self.shrink > 1:
            squares = _squares(light, self.shrink, "shrink")  # (batch, height', width', shrink²)
            light = ops.mean(squares, axis=-1)
        if self.order == "rows":
            return light
        if self.order == "columns":
            return ops.swapaxes(light, 1, 2)
        height, width = light.shape[1:]
        if self.order == "blocks":
            steps = (height // self.block) * (width // self.block)
            return ops.reshape(_squares(light, self.block, "block"), (-1, steps, self.block**2))
        pixels = ops.reshape(light, (-1, height * width, 1))
        if self.order == "permuted":
            return ops.take(pixels, np.random.default_rng(self.seed).permutation(height * width), axis=1)
        return pixels

    def compute_output_shape(self, images_shape):
        batch, height, width = images_shape
        height, width = _tiled(height, width, self.shrink, "shrink")
        if self.order == "blocks":
            rows, columns = _tiled(height, width, self.block, "block")
            return batch, rows * columns, self.block**2
        return (batch, *{"rows": (height, width), "columns": (width, height)}.get(self.order, (height * width, 1)))

    def get_config(self):
        own = {"order": self.order, "block": self.block, "shrink": self.shrink, "seed": self.seed}
        return {**super().get_config(), **own}


def light_on_dark(images: np.ndarray) -> np.ndarray:
    """Images as an `ImageSequence` takes them, (images, height, width) uint8: dark on light is inverted."""
    layer, rows = ImageSequence(dtype="float32"), range(0, len(images), AT_ONCE)
    light = (np.asarray(layer(images[row : row + AT_ONCE])) for row in rows)
    return np.concatenate([np.round(part * 255).astype(np.uint8) for part in light])


def _border(light: Any) -> Any:
    """(batch,) mean of the outermost pixels."""
    inner = light[:, 1:-1, 1:-1]
    count = light.shape[1] * light.shape[2] - inner.shape[1] * inner.shape[2]
    return (ops.sum(light, axis=(1, 2)) - ops.sum(inner, axis=(1, 2))) / count


def _squares(light: Any, side: int, argument: str) -> Any:
    """(batch, height / side, width / side, side²)."""
    rows, columns = _tiled(light.shape[1], light.shape[2], side, argument)
    tiles = ops.reshape(light, (-1, rows, side, columns, side))
    return ops.reshape(ops.transpose(tiles, (0, 1, 3, 2, 4)), (-1, rows, columns, side**2))


def _tiled(height: int, width: int, side: int, argument: str) -> tuple[int, int]:
    if height % side or width % side:
        raise ValueError(f"{argument}: squares of {side}×{side} do not fill an image of {width}×{height}")
    return height // side, width // side
