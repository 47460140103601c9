"""Losses as a sum and a weight, so that averages are right with padding, uneven batches and several devices."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import tensorflow as tf


class StepLoss(NamedTuple):
    """The loss of a batch is `total / weight`; both are scalars and are summed over devices before the division.

    For streams, `carried` holds the states at the start of the next batch: tensors, nested as in `fit`'s `carried`.
    """

    total: tf.Tensor
    weight: tf.Tensor
    carried: Any = ()


def sequence_cross_entropy(logits: tf.Tensor, targets: tf.Tensor, label_smoothing: float = 0.0) -> StepLoss:
    """Masked cross-entropy over every position whose target is not padding.

    Args:
        logits: (batch, time, vocabulary).
        targets: (batch, time) ids; 0 is padding and does not count.
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
    hidden: tf.Tensor,
    kernel: tf.Tensor,
    bias: tf.Tensor,
    targets: tf.Tensor,
    samples: int,
    seed: tuple[tf.Tensor | int, tf.Tensor | int],
) -> StepLoss:
    """Cross-entropy against the target and `samples` other words instead of the whole vocabulary.

    For training only, because it is biased; evaluation uses the full softmax. Words are drawn log-uniformly, which
    fits a vocabulary sorted by falling frequency.

    Args:
        hidden: (batch, time, units), the inputs of the output projection.
        kernel: (vocabulary, units).
        bias: (vocabulary,).
        targets: (batch, time) ids; 0 is padding and does not count.
        samples: number of different words drawn for a batch; a position's own target is left out of its other words.
        seed: two integers, such as the config's seed and the update's number; the same seed draws the same words.

    Returns:
        StepLoss in nats, weight = number of unpadded targets.

    References:
        Jean et al. 2015, "On Using Very Large Target Vocabulary for Neural Machine Translation", section 3.
    """
    words, log_expected = draw_words(samples, kernel.shape[0], seed)
    kernel = tf.cast(kernel, tf.float32)
    bias = tf.cast(bias, tf.float32) - log_expected  # a word that is drawn more often counts less each time
    flat = tf.cast(tf.reshape(hidden, [-1, hidden.shape[-1]]), tf.float32)  # (positions, units)
    labels = tf.reshape(tf.cast(targets, tf.int32), [-1])  # (positions,)
    own = tf.reduce_sum(flat * tf.gather(kernel, labels), axis=-1) + tf.gather(bias, labels)
    others = tf.matmul(flat, tf.gather(kernel, words), transpose_b=True) + tf.gather(bias, words)
    others = tf.where(labels[:, None] == words, others.dtype.min, others)  # (positions, samples)
    loss = tf.reduce_logsumexp(tf.concat([own[:, None], others], axis=1), axis=1) - own
    mask = tf.cast(labels != 0, tf.float32)
    return StepLoss(tf.reduce_sum(loss * mask), tf.reduce_sum(mask))


def draw_words(
    samples: int, vocabulary: int, seed: tuple[tf.Tensor | int, tf.Tensor | int]
) -> tuple[tf.Tensor, tf.Tensor]:
    """Draw different words; word k of the vocabulary has the weight log(k + 2) - log(k + 1).

    TensorFlow's own sampler is not used: a checkpoint cannot store its random state, and XLA does not have it.

    Args:
        samples: number of words drawn.
        vocabulary: number of words in the vocabulary.
        seed: two integers; the same seed draws the same words.

    Returns:
        (samples,) int32 ids, and (vocabulary,) logarithms of the expected count of each word among them.

    References:
        Kool et al. 2019, "Stochastic Beams and Where to Find Them", sections 3.1 and 4.2 (the Gumbel-top-k trick, and
        the expectation given the largest key left out).
    """
    ranks = tf.range(1, vocabulary + 1, dtype=tf.float32)
    log_weights = tf.math.log(tf.math.log1p(1.0 / ranks))  # (vocabulary,)
    pair = tf.stack([tf.cast(part, tf.int64) for part in seed])
    uniform = tf.random.stateless_uniform([vocabulary], pair, minval=1e-37, alg="philox")
    keys = tf.concat([log_weights - tf.math.log(-tf.math.log(uniform)), [tf.float32.min]], axis=0)
    largest, words = tf.math.top_k(keys, samples + 1)
    log_expected = tf.math.log(-tf.math.expm1(-tf.exp(log_weights - largest[-1])))
    return words[:-1], log_expected


def binary_cross_entropy(logits: tf.Tensor, labels: tf.Tensor, weights: tf.Tensor) -> StepLoss:
    """Cross-entropy of yes-or-no answers.

    Args:
        logits: (batch, …).
        labels: (batch, …) 0 or 1.
        weights: (batch, …); what has weight 0 is padding.

    Returns:
        StepLoss in nats, weight = sum of the weights.
    """
    loss = tf.nn.sigmoid_cross_entropy_with_logits(tf.cast(labels, tf.float32), tf.cast(logits, tf.float32))
    return _weighted(loss, weights)


def categorical_cross_entropy(logits: tf.Tensor, labels: tf.Tensor, weights: tf.Tensor) -> StepLoss:
    """Cross-entropy of choices among classes.

    Args:
        logits: (batch, …, classes).
        labels: (batch, …) int32 classes, from 0.
        weights: (batch, …); what has weight 0 is padding.

    Returns:
        StepLoss in nats, weight = sum of the weights.
    """
    loss = tf.nn.sparse_softmax_cross_entropy_with_logits(tf.cast(labels, tf.int32), tf.cast(logits, tf.float32))
    return _weighted(loss, weights)


def squared_error(outputs: tf.Tensor, targets: tf.Tensor, weights: tf.Tensor) -> StepLoss:
    """Squared error, averaged over the values of an answer.

    Args:
        outputs: (batch, …, values).
        targets: (batch, …, values).
        weights: (batch, …); what has weight 0 is padding.

    Returns:
        StepLoss, weight = sum of the weights.
    """
    difference = tf.cast(outputs, tf.float32) - tf.cast(targets, tf.float32)
    return _weighted(tf.reduce_mean(difference**2, axis=-1), weights)


def absolute_error(outputs: tf.Tensor, targets: tf.Tensor, weights: tf.Tensor) -> StepLoss:
    """Absolute error, averaged over the values of an answer; arguments as in `squared_error`."""
    difference = tf.cast(outputs, tf.float32) - tf.cast(targets, tf.float32)
    return _weighted(tf.reduce_mean(tf.abs(difference), axis=-1), weights)


def pinball_loss(outputs: tf.Tensor, targets: tf.Tensor, weights: tf.Tensor, levels: Sequence[float]) -> StepLoss:
    """Quantile regression (Koenker & Bassett 1978), averaged over the levels and the values of an answer.

    If there are many evenly spaced levels, twice this loss approximates the continuous ranked probability score.

    Args:
        outputs: (batch, …, values, levels) estimated quantiles.
        targets: (batch, …, values).
        weights: (batch, …); what has weight 0 is padding.
        levels: numbers between 0 and 1, one for each element of the last axis of `outputs`.

    Returns:
        StepLoss, weight = sum of the weights.
    """
    above = tf.cast(targets, tf.float32)[..., None] - tf.cast(outputs, tf.float32)
    level = tf.constant(levels, tf.float32)
    return _weighted(tf.reduce_mean(tf.maximum(level * above, (level - 1) * above), axis=[-2, -1]), weights)


def gaussian_negative_log_likelihood(
    mean: tf.Tensor, log_deviation: tf.Tensor, targets: tf.Tensor, weights: tf.Tensor
) -> StepLoss:
    """Negative log-likelihood of a normal distribution, averaged over the values of an answer.

    Args:
        mean, log_deviation, targets: (batch, …, values).
        weights: (batch, …); what has weight 0 is padding.

    Returns:
        StepLoss in nats, weight = sum of the weights.
    """
    log_deviation = tf.cast(log_deviation, tf.float32)
    standard = (tf.cast(targets, tf.float32) - tf.cast(mean, tf.float32)) * tf.exp(-log_deviation)
    loss = 0.5 * (math.log(2 * math.pi) + standard**2) + log_deviation
    return _weighted(tf.reduce_mean(loss, axis=-1), weights)


def _weighted(loss: tf.Tensor, weights: tf.Tensor) -> StepLoss:
    return StepLoss(tf.reduce_sum(loss * weights), tf.reduce_sum(weights))
