"""Functions of whole batches, compiled."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from rnn_tasks import activity
from rnn_tasks.layers import native_inference


def forward(function: Callable[[Mapping[str, tf.Tensor]], Any]) -> Callable[[Mapping[str, np.ndarray]], Any]:
    """A function of batches, compiled once for each batch shape, with NumPy arrays as inputs and outputs.

    Under a distribution strategy, it computes each answer only once, unlike `model.predict_on_batch`.

    Args:
        function: batch -> nest of tensors; each call reads the current values of its variables.
    """

    @tf.function(autograph=False, reduce_retracing=False)
    def compiled(batch: Mapping[str, tf.Tensor]) -> Any:
        activity.note("compiling")
        with native_inference():
            return function(batch)

    def answers(batch: Mapping[str, np.ndarray]) -> Any:
        found = compiled({name: tf.constant(array) for name, array in batch.items()})
        activity.note("")  # compiled
        return tf.nest.map_structure(lambda tensor: tensor.numpy(), found)

    return answers
