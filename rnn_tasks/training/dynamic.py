"""Dynamic evaluation: a language model continues to learn from the text that measures it."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from rnn_tasks import activity
from rnn_tasks.training.losses import sequence_cross_entropy
from rnn_tasks.training.reading import reset_states
from rnn_tasks.training.streams import StreamBatches

TIME = 32  # tokens in a piece, which is predicted first and then used for learning
CLIP = 1.0


def dynamic_nats(model: keras.Model, ids: np.ndarray, documents: np.ndarray, rate: float) -> float:
    """Mean loss of a text; the model predicts a piece, then learns from it before it predicts the next piece.

    At the end, the model has its original weights again.

    Args:
        model: as in `stream_reader`.
        ids, documents: as in `StreamBatches`; read as one stream.
        rate: learning rate of the gradient descent; the gradient's norm is clipped to 1.

    References:
        Krause, Kahembwe, Murray & Renals (2018), Dynamic Evaluation of Neural Sequence Models (their "SGD" rule).
    """
    weights = model.trainable_variables
    kept = [np.asarray(weight) for weight in weights]

    @tf.function(autograph=False)
    def step(batch: dict[str, tf.Tensor], states: list) -> tuple:
        activity.note("compiling")
        with tf.GradientTape() as tape:
            hidden, after = model.hidden(batch["inputs"], reset_states(states, batch["resets"]))
            total, weight, _ = sequence_cross_entropy(model.logits(hidden), batch["targets"])
            loss = total / tf.maximum(weight, 1.0)
        gradients, _ = tf.clip_by_global_norm(
            [tf.convert_to_tensor(gradient) for gradient in tape.gradient(loss, weights)], CLIP
        )
        for variable, gradient in zip(weights, gradients, strict=True):
            variable.assign(variable - rate * gradient)
        return total, weight, after

    batches = StreamBatches(ids, documents, streams=1, time=TIME)
    states, sums = tf.nest.map_structure(tf.convert_to_tensor, model.first_states(1)), np.zeros(2)
    try:
        for batch in activity.each("learning on", batches.epoch(), len(batches)):
            given = {name: tf.constant(batch[name]) for name in ("inputs", "targets", "resets")}
            total, weight, states = step(given, states)
            sums += [float(total), float(weight)]
    finally:
        for variable, value in zip(weights, kept, strict=True):
            variable.assign(value)
    return float(sums[0] / sums[1])
