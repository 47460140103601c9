"""The loss of an encoder-decoder under teacher forcing, in memory that does not grow with the target's length."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from rnn_tasks.training.losses import StepLoss, sequence_cross_entropy

LARGEST = 2**25
"""Values in the largest tensor, 128 MB in float32: rows x steps x source time x units, in Bahdanau's attention."""


def teacher_forced_loss(model: Any, batch: Mapping[str, tf.Tensor]) -> StepLoss:
    """Cross-entropy of the targets without sampling, smoothing or dropout; for evaluation, not for training.

    The target is processed in parts, short enough that no tensor has more than `LARGEST` values (unless a single step
    has more). The decoder carries its state from part to part. The result is the same as for the whole target at once.

    Args:
        model: an `EncoderDecoder`.
        batch: `source`, `target_in` and `target_out` ids, (rows, time).

    Returns:
        StepLoss in nats, weight = number of unpadded targets.
    """
    memory, state = model.encode(batch["source"])
    inputs, targets = batch["target_in"], batch["target_out"]
    rows, source_time = tf.shape(batch["source"])[0], tf.shape(batch["source"])[1]
    widest = tf.maximum(source_time * model.settings["units"], model.settings["target_vocabulary"])
    steps = tf.maximum(LARGEST // (rows * widest), 1)

    def part(start: tf.Tensor, total: tf.Tensor, weight: tf.Tensor, state: Any) -> tuple[Any, ...]:
        hidden, after = model.continued(inputs[:, start : start + steps], state, memory)
        loss = sequence_cross_entropy(model.logits(hidden), targets[:, start : start + steps])
        return start + steps, total + loss.total, weight + loss.weight, after

    invariants = tf.nest.map_structure(lambda tensor: tf.TensorShape([None] * len(tensor.shape)), state)
    _, total, weight, _ = tf.while_loop(
        lambda start, *_: start < tf.shape(targets)[1],
        part,
        (tf.constant(0), tf.constant(0.0), tf.constant(0.0), state),
        shape_invariants=(tf.TensorShape([]), tf.TensorShape([]), tf.TensorShape([]), invariants),
    )
    return StepLoss(total, weight)
