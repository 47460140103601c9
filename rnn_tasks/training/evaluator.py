"""The average loss of a model over a split, compiled."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import keras
import numpy as np
import tensorflow as tf

from rnn_tasks import activity
from rnn_tasks.layers import native_inference
from rnn_tasks.training.step import Loss


def evaluator(model: keras.Model, loss: Loss) -> Callable[[Iterable[dict[str, np.ndarray]]], float]:
    """Make a function: batches -> mean loss of all their examples, with dropout off.

    It is traced for each of the first two batch shapes, then once for all others.

    Args:
        model: a built model; each call reads its current weights.
        loss: (model, batch, training) -> StepLoss.
    """

    @tf.function(autograph=False, reduce_retracing=True)
    def step(batch: dict[str, tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
        activity.note("compiling")
        with native_inference():
            part = loss(model, batch, False)
        return part.total, part.weight

    def average(batches: Iterable[dict[str, np.ndarray]]) -> float:
        with activity.doing("scoring"):
            sums = np.sum([[float(part) for part in step(batch)] for batch in batches], axis=0)
        return float(sums[0] / max(sums[1], 1.0))

    return average
