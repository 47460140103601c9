"""A text written on, token by token, from states that go in and come out: streams, which have no source and no end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

from rnn_tasks.decoding.drawing import draw, keep_top_k, keep_top_p, tempered

PIECE = 64
"""Tokens whose random numbers are drawn together; pieces are numbered, and each is a function of its number."""

StreamStep = Callable[[tf.Tensor, Any], tuple[tf.Tensor, Any]]
"""ids (texts,) and states -> logits (texts, vocabulary) of what comes next, and the states behind it."""


class Sampling(NamedTuple):
    """What a draw may fall on; numbers or scalar tensors.

    Attributes:
        temperature: as of `tempered`.
        top_k: as of `keep_top_k`, 0 for all.
        top_p: as of `keep_top_p`, 1 for all.
    """

    temperature: Any = 1.0
    top_k: Any = 0
    top_p: Any = 1.0


PLAIN = Sampling()


class Written(NamedTuple):
    """Tokens, and what it takes to go on behind them.

    Attributes:
        ids: (texts, tokens) int32.
        log_probabilities: (texts, tokens) float32, the model's own, neither tempered nor cut.
        states: behind the last but one token, which `ids[:, -1]` is to be read with.
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

    Text k's token t falls by a random number that is a function of the seed, k and t alone: what is written does not
    depend on how many texts are, nor on whether they are written at once or piece by piece.

    Args:
        step: the model's step.
        last: (texts,) int32, the token before the first one written.
        states: nest of (texts, …), before `last` was read.
        tokens: how many are written; for more than one call, a multiple of `PIECE` in all but the last.
        sampling: what draws may fall on.
        seed: an integer.
        first_piece: how many pieces of `PIECE` tokens were written in calls before this one.

    Returns:
        As many tokens of each text.
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
