"""Continuing a text token by token, with states as inputs and outputs: streams have no source and no end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

from rnn_tasks.decoding.drawing import draw, keep_top_k, keep_top_p, tempered

PIECE = 64
"""Tokens whose random numbers are drawn together. Pieces are numbered; the number decides the random numbers."""

StreamStep = Callable[[tf.Tensor, Any], tuple[tf.Tensor, Any]]
"""ids (texts,) and states -> logits (texts, vocabulary) of the next tokens, and the states after the step."""


class Sampling(NamedTuple):
    """Limits on random draws; numbers or scalar tensors.

    Attributes:
        temperature: as in `tempered`.
        top_k: as in `keep_top_k`, 0 for all.
        top_p: as in `keep_top_p`, 1 for all.
    """

    temperature: Any = 1.0
    top_k: Any = 0
    top_p: Any = 1.0


PLAIN = Sampling()


class Written(NamedTuple):
    """New tokens, and the states needed to continue after them.

    Attributes:
        ids: (texts, tokens) int32.
        log_probabilities: (texts, tokens) float32, the model's own, without any `Sampling`.
        states: after the last but one token; the next call reads `ids[:, -1]` with them.
    """

    ids: tf.Tensor
    log_probabilities: tf.Tensor
    states: Any


def write_on(
    step: StreamStep,
    last: tf.Tensor,
    states: Any,
    tokens: tf.Tensor | int,
    sampling: Sampling = PLAIN,
    *,
    seed: tf.Tensor | int,
    first_piece: tf.Tensor | int = 0,
) -> Written:
    """Draw the next tokens of texts that are already begun, in one compiled loop.

    The random number for token t of text k is a function of only the seed, k and t. So the result depends neither on
    the number of texts, nor on whether they are written at once or piece by piece.

    Args:
        step: the model's step.
        last: (texts,) int32, the token before the first one written.
        states: nest of (texts, …), before `last` was read.
        tokens: number of tokens to write; if there are several calls, a multiple of `PIECE` in all calls but the last.
        sampling: limits on the draws.
        seed: an integer.
        first_piece: number of pieces of `PIECE` tokens that earlier calls wrote.

    Returns:
        `tokens` new tokens of each text.
    """
    uniforms = _uniforms(seed, tf.shape(last)[0], tokens, first_piece)

    def loop(cut: bool) -> tuple[tf.Tensor, ...]:
        def body(t, last, states, ids, log_probabilities):
            logits, after = step(last, states)
            logits = tf.cast(logits, tf.float32)
            kept = tempered(logits, sampling.temperature)
            if cut:
                kept = keep_top_p(keep_top_k(kept, sampling.top_k), sampling.top_p)
            drawn = draw(kept, uniforms[t])
            likely = tf.gather(logits, drawn, batch_dims=1) - tf.reduce_logsumexp(logits, axis=-1)
            return t + 1, drawn, after, ids.write(t, drawn), log_probabilities.write(t, likely)

        start = (
            tf.constant(0),
            last,
            states,
            tf.TensorArray(tf.int32, tokens, element_shape=last.shape),
            tf.TensorArray(tf.float32, tokens, element_shape=last.shape),
        )
        _, _, after, ids, log_probabilities = tf.while_loop(lambda t, *_: t < tokens, body, start)
        return (tf.transpose(ids.stack()), tf.transpose(log_probabilities.stack()), *tf.nest.flatten(after))

    if any(tf.is_tensor(part) for part in (sampling.top_k, sampling.top_p)):
        # Sorting a vocabulary at every token costs more than a small network's step.
        cuts = tf.logical_or(sampling.top_k > 0, sampling.top_p < 1)
        found = tf.cond(cuts, lambda: loop(True), lambda: loop(False))
    else:
        found = loop(sampling.top_k > 0 or sampling.top_p < 1)
    ids, log_probabilities, *flat = found
    return Written(ids, log_probabilities, tf.nest.pack_sequence_as(states, flat))


def _uniforms(
    seed: tf.Tensor | int, texts: tf.Tensor, tokens: tf.Tensor | int, first_piece: tf.Tensor | int
) -> tf.Tensor:
    """Random numbers (tokens or some more, texts) float64 in [0, 1)."""
    pieces = tf.range(tf.maximum(1, -(-tf.convert_to_tensor(tokens) // PIECE))) + first_piece
    numbers = tf.cast(tf.range(texts), tf.int64)[None, :] * 2**32 + tf.cast(pieces, tf.int64)[:, None]

    def piece(number: tf.Tensor) -> tf.Tensor:
        pair = tf.stack([tf.cast(seed, tf.int64), number])
        return tf.random.stateless_uniform([PIECE], pair, dtype=tf.float64, alg="philox")

    drawn = tf.map_fn(piece, tf.reshape(numbers, [-1]), fn_output_signature=tf.TensorSpec([PIECE], tf.float64))
    shaped = tf.reshape(drawn, [-1, texts, PIECE])  # (pieces, texts, PIECE)
    return tf.reshape(tf.transpose(shaped, [0, 2, 1]), [-1, texts])
