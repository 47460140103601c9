"""A model's answers to whole batches, compiled."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from rnn_tasks import activity
from rnn_tasks.layers import native_inference


def forward(model: keras.Model) -> Callable[[np.ndarray], np.ndarray]:
    """Inputs -> outputs, dropout off; compiled once a batch shape.

    Unlike `model.predict_on_batch` it answers once, also under a distribution strategy.

    Args:
        model: a built model of one input and one output; its weights are read anew at each call.
    """

    @tf.function(reduce_retracing=False)
    def compiled(inputs: tf.Tensor) -> tf.Tensor:
        activity.note("compiling")
        with native_inference():
            return model(inputs, training=False)

    def answers(inputs: np.ndarray) -> np.ndarray:
        outputs = compiled(tf.constant(inputs)).numpy()
        activity.note("")  # compiled
        return outputs

    return answers
