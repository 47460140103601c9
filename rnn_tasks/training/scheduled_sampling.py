"""Scheduled sampling: in training, a decoder reads its own words more and more often, as it does at inference.

Bengio et al. 2015, "Scheduled Sampling for Sequence Prediction with Recurrent Neural Networks". Epsilon is the
probability that a step reads the reference; it falls with the number of updates by one of three schedules:

    memory, state = model.encode(batch["source"], training=True)
    epsilon = inverse_sigmoid_epsilon(optimizer.iterations, k=2000.0)
    with model.training_step(memory) as step:
        scores = scheduled_sampling(step, state, memory, batch["target_in"], epsilon, seed=optimizer.iterations)
    loss = sequence_cross_entropy(scores, batch["target_out"])
"""

from __future__ import annotations

import math
from typing import Any

import tensorflow as tf

from rnn_tasks.decoding.drawing import draw
from rnn_tasks.decoding.protocol import DecoderStep, allowed, take_step
from rnn_tasks.layers.shapes import check_shape


def scheduled_sampling(
    step: DecoderStep,
    state: Any,
    memory: Any,
    target_in: tf.Tensor,
    epsilon: tf.Tensor | float,
    seed: tf.Tensor | int,
) -> tf.Tensor:
    """Unroll a decoder over the reference; tokens drawn from the decoder may replace any token but the first.

    A random coin decides for every step and sample. The token is drawn from the distribution of the step before,
    without `<pad>` and `<go>`, which searches exclude, too. Gradients flow through the scores and the states, not
    through the draw.

    Args:
        step: the decoder.
        state: nest of (batch, …), before the first step.
        memory: nest of (batch, …).
        target_in: (batch, time) ids, `<go>` and the reference.
        epsilon: probability of the reference: 1 is teacher forcing; with 0 the decoder reads only its own words.
        seed: an integer that differs for every update, such as the update's number. The same seed draws the same
            numbers, but XLA draws others than TensorFlow's kernels.

    Returns:
        Log probabilities (batch, time, vocabulary), in float32, of the token after each token of `target_in`, for a
        loss that takes logits; they have no meaning where `target_in` is padded.

    Raises:
        ValueError: epsilon is a number outside [0, 1], or ids of another shape.

    References:
        Bengio et al. 2015, cited in full above.
    """
    if not tf.is_tensor(epsilon):
        _between("epsilon", epsilon, 0.0, 1.0)
    state = tf.nest.map_structure(tf.convert_to_tensor, state)
    target_in = tf.cast(target_in, tf.int32)  # the same type as the drawn tokens
    check_shape("scheduled_sampling", "target_in", target_in, (None, None), "(batch, time)")
    references = tf.transpose(target_in)  # (time, batch)
    steps = tf.shape(references)[0]
    # The first step always reads `<go>`. Draws for step t use (seed, t) with t > 0, so the coins can use (seed, 0).
    coins = _uniforms(tf.shape(references), seed, 0)

    def body(t, own, state, scores):
        is_reference = (t == 0) | (coins[t] < tf.cast(epsilon, coins.dtype))
        log_probabilities, state, _ = take_step(step, tf.where(is_reference, references[t], own), state, memory)
        words = allowed(log_probabilities, tf.zeros_like(is_reference))
        own = draw(words, _uniforms(tf.shape(own), seed, t + 1))
        return t + 1, own, state, scores.write(t, log_probabilities)

    any_batch = tf.nest.map_structure(lambda s: tf.TensorShape([None, *s.shape[1:]]), state)
    *_, scores = tf.while_loop(
        lambda t, *_: t < steps,
        body,
        (tf.constant(0), references[0], state, tf.TensorArray(tf.float32, steps, element_shape=[None, None])),
        shape_invariants=(tf.TensorShape([]), tf.TensorShape([None]), any_batch, tf.TensorShape(None)),
        maximum_iterations=steps,
    )
    return tf.transpose(scores.stack(), [1, 0, 2])


def linear_epsilon(update: tf.Tensor | int, slope: float, start: float = 1.0, least: float = 0.0) -> tf.Tensor:
    """max(least, start - slope · update).

    Args:
        update: updates made so far, a scalar.
        slope: the decrease of epsilon with each update, not negative.
        start: epsilon at update 0.
        least: the final epsilon, in [0, start].

    Returns:
        A float32 scalar.

    Raises:
        ValueError: a value outside these bounds.
    """
    _between("slope", slope, 0.0, math.inf)
    _between("start", start, 0.0, 1.0)
    _between("least", least, 0.0, start)
    return tf.maximum(least, start - slope * tf.cast(update, tf.float32))


def exponential_epsilon(update: tf.Tensor | int, k: float) -> tf.Tensor:
    """k ** update.

    Args:
        update: updates made so far, a scalar.
        k: in [0, 1], "a constant that depends on the expected speed of convergence"; near 1.

    Returns:
        A float32 scalar.

    Raises:
        ValueError: k is outside [0, 1].
    """
    _between("k", k, 0.0, 1.0)
    return k ** tf.cast(update, tf.float32)


def inverse_sigmoid_epsilon(update: tf.Tensor | int, k: float) -> tf.Tensor:
    """k / (k + exp(update / k)).

    Args:
        update: updates made so far, a scalar.
        k: 1 or more; epsilon is a half at update k · ln k.

    Returns:
        A float32 scalar.

    Raises:
        ValueError: k is below 1.
    """
    _between("k", k, 1.0, math.inf)
    # The same value, without an exponential that could overflow.
    return tf.sigmoid(math.log(k) - tf.cast(update, tf.float32) / k)


def _uniforms(shape: tf.Tensor, seed: tf.Tensor | int, number: tf.Tensor | int) -> tf.Tensor:
    pair = tf.stack([tf.cast(seed, tf.int64), tf.cast(number, tf.int64)])
    return tf.random.stateless_uniform(shape, pair, dtype=tf.float64, alg="philox")


def _between(name: str, value: float, least: float, most: float) -> None:
    if not least <= value <= most:
        raise ValueError(f"{name} must lie between {least:g} and {most:g}; found {value}")
