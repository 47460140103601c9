"""Limits on random draws (temperature, top-k and top-p, each from logits to logits), and the draw itself."""

from __future__ import annotations

import tensorflow as tf

# Within these a difference of logits is never 0 / 0, and a token that is impossible by 1e6 nats has probability 0.
COLDEST, HOTTEST = 1e-6, 1e3


def tempered(logits: tf.Tensor, temperature: float | tf.Tensor) -> tf.Tensor:
    """Logits of the distribution whose probabilities are raised to 1 / temperature (and normalised).

    Below 1, the likeliest tokens gain probability; near 0, the best one has it all. Above 1, the distribution flattens.

    Args:
        logits: (…, vocabulary), finite.
        temperature: 1 changes no probability. A tensor, as in a served model, is not checked; nor is `k` or `p` below.

    Returns:
        (…, vocabulary), 0 at the likeliest token.

    Raises:
        ValueError: the temperature is not between 1e-6 and 1000.
    """
    if not tf.is_tensor(temperature) and not COLDEST <= temperature <= HOTTEST:
        raise ValueError(f"temperature must lie between {COLDEST:g} and {HOTTEST:g}; found {temperature}")
    # The best token is at 0 before the division, so that no temperature overflows it.
    return (logits - tf.reduce_max(logits, axis=-1, keepdims=True)) / tf.cast(temperature, logits.dtype)


def keep_top_k(logits: tf.Tensor, k: int | tf.Tensor) -> tf.Tensor:
    """The k largest logits, -inf elsewhere; among equal logits, the lower ids are kept.

    Args:
        logits: (hypotheses, vocabulary).
        k: tokens kept; 0 keeps all.

    Raises:
        ValueError: k is negative.

    References:
        Fan et al. 2018, "Hierarchical Neural Story Generation".
    """
    vocabulary = tf.shape(logits)[-1]
    if tf.is_tensor(k):
        k = tf.where(k == 0, vocabulary, k)
    elif k < 0:
        raise ValueError(f"top_k must be 0 (every token) or more; found {k}")
    elif k == 0:
        return logits
    values, tokens = tf.math.top_k(logits, tf.minimum(k, vocabulary))
    return _placed(values, tokens, logits)


def keep_top_p(logits: tf.Tensor, p: float | tf.Tensor) -> tf.Tensor:
    """The smallest set of tokens whose probability reaches p (the nucleus), -inf elsewhere.

    The likeliest token is always kept; among equal logits, the lower ids are kept.

    Args:
        logits: (hypotheses, vocabulary).
        p: 1 keeps all.

    Raises:
        ValueError: p is not in (0, 1].

    References:
        Holtzman et al. 2020, "The Curious Case of Neural Text Degeneration", section 3.1.
    """
    if tf.is_tensor(p):
        p = tf.where(p < 1, tf.cast(p, tf.float64), 2.0)  # a sum of probabilities may round to more than 1
    elif not 0 < p <= 1:
        raise ValueError(f"top_p must lie in (0, 1]; found {p}")
    elif p == 1:
        return logits
    values, tokens = tf.math.top_k(logits, tf.shape(logits)[-1])  # falling
    probabilities = tf.cast(tf.nn.softmax(values), tf.float64)
    reached_before = tf.cumsum(probabilities, axis=-1, exclusive=True)
    return _placed(tf.where(reached_before < p, values, float("-inf")), tokens, logits)


def draw(logits: tf.Tensor, uniforms: tf.Tensor) -> tf.Tensor:
    """Turn a uniform number into a token for each hypothesis: the first whose cumulative probability exceeds it.

    Args:
        logits: (hypotheses, vocabulary); a token of probability 0 is never drawn.
        uniforms: (hypotheses,) float64 in [0, 1).

    Returns:
        (hypotheses,) int32.
    """
    probabilities = tf.nn.softmax(logits)
    # In float32 the sum would lose the rare words behind the frequent ones.
    reached = tf.cumsum(tf.cast(probabilities, tf.float64), axis=-1)
    reached = tf.where(probabilities > 0.0, reached, 0.0)
    # Compare with the largest sum, not with 1: because of rounding, the sum may not reach 1.
    passed = reached > uniforms[:, None] * tf.reduce_max(reached, axis=-1, keepdims=True)
    vocabulary = tf.shape(logits)[-1]
    return tf.reduce_min(tf.where(passed, tf.range(vocabulary), vocabulary), axis=-1)


def _placed(values: tf.Tensor, tokens: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """`values` (hypotheses, kept) at their `tokens` in a tensor shaped like `logits`, -inf elsewhere."""
    rows = tf.broadcast_to(tf.range(tf.shape(tokens)[0])[:, None], tf.shape(tokens))
    nothing = tf.fill(tf.shape(logits), tf.constant(float("-inf"), logits.dtype))
    return tf.tensor_scatter_nd_update(nothing, tf.stack([rows, tokens], axis=-1), values)
