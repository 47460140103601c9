"""Losses as a sum and a weight, so that padding, uneven batches and several devices all average the same way."""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf


class StepLoss(NamedTuple):
    """What a batch contributes: the loss is `total / weight`, both scalars, summed over devices before dividing."""

    total: tf.Tensor
    weight: tf.Tensor


def sequence_cross_entropy(logits: tf.Tensor, targets: tf.Tensor, label_smoothing: float = 0.0) -> StepLoss:
    """Masked cross-entropy over every position whose target is not padding.

    Args:
        logits: (batch, time, vocabulary).
        targets: (batch, time) ids; 0 is padding and counts nothing.
        label_smoothing: probability mass spread evenly over the vocabulary (Szegedy et al. 2016, section 7).

    Returns:
        StepLoss in nats, weight = number of unpadded targets.
    """
    logits = tf.cast(logits, tf.float32)
    mask = tf.cast(targets != 0, tf.float32)
    log_partition = tf.reduce_logsumexp(logits, axis=-1)
    loss = log_partition - tf.gather(logits, targets, axis=-1, batch_dims=2)
    if label_smoothing:
        uniform = log_partition - tf.reduce_mean(logits, axis=-1)
        loss = (1.0 - label_smoothing) * loss + label_smoothing * uniform
    return StepLoss(tf.reduce_sum(loss * mask), tf.reduce_sum(mask))


def sampled_cross_entropy(
    hidden: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor, targets: tf.Tensor, samples: int
) -> StepLoss:
    """Cross-entropy against the target and `samples` other words instead of the whole vocabulary.

    For training alone: it is biased; evaluation takes the full softmax. Words are drawn log-uniformly, which
    fits a vocabulary sorted by falling frequency.

    Args:
        hidden: (batch, time, units), what the output projection would see.
        kernel: (vocabulary, units).
        bias: (vocabulary,).
        targets: (batch, time) ids; 0 is padding and counts nothing.
        samples: words drawn a batch.

    Returns:
        StepLoss in nats, weight = number of unpadded targets.

    References:
        Jean et al. 2015, "On Using Very Large Target Vocabulary for Neural Machine Translation", section 3.
    """
    mask = tf.cast(tf.reshape(targets, [-1]) != 0, tf.float32)
    loss = tf.nn.sampled_softmax_loss(
        weights=tf.cast(kernel, tf.float32),
        biases=tf.cast(bias, tf.float32),
        labels=tf.reshape(tf.cast(targets, tf.int64), [-1, 1]),
        inputs=tf.cast(tf.reshape(hidden, [-1, hidden.shape[-1]]), tf.float32),
        num_sampled=samples,
        num_classes=kernel.shape[0],
    )
    return StepLoss(tf.reduce_sum(loss * mask), tf.reduce_sum(mask))


def binary_cross_entropy(logits: tf.Tensor, labels: tf.Tensor, weights: tf.Tensor) -> StepLoss:
    """Cross-entropy of yes-or-no answers.

    Args:
        logits: (batch,).
        labels: (batch,) 0 or 1.
        weights: (batch,); rows of weight 0 fill the batch up.

    Returns:
        StepLoss in nats, weight = sum of the weights.
    """
    loss = tf.nn.sigmoid_cross_entropy_with_logits(tf.cast(labels, tf.float32), tf.cast(logits, tf.float32))
    return StepLoss(tf.reduce_sum(loss * weights), tf.reduce_sum(weights))
