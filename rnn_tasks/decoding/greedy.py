"""Greedy search: it takes the likeliest next token at every step."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from rnn_tasks.decoding.protocol import EOS, GO, PAD, DecoderStep, SearchResult, allowed, counted_limits, take_step


def greedy_search(step: DecoderStep, state: Any, memory: Any, limits: tf.Tensor) -> SearchResult:
    """Take the likeliest token until every sentence has ended.

    Args:
        step: the decoder.
        state: nest of (batch, …), before the first step.
        memory: nest of (batch, …).
        limits: (batch,) integers of 1 or more, the longest output of each sentence, `<eos>` included; if a graph does
            not know their values, smaller values count as 1.

    Returns:
        One hypothesis for each sentence (beams = 1); its score is its log probability.

    Raises:
        ValueError: limits of another shape or kind, or a limit below 1.
    """
    limits, longest = counted_limits("greedy_search", limits)
    batch = tf.shape(limits)[0]

    def body(t, last, ended, total, state, ids, alignments):
        log_probabilities, state, alignment = take_step(step, last, state, memory)
        log_probabilities = allowed(log_probabilities, t + 1 >= limits)
        best = tf.argmax(log_probabilities, axis=-1, output_type=tf.int32)
        total += tf.where(ended, 0.0, tf.reduce_max(log_probabilities, axis=-1))
        chosen = tf.where(ended, PAD, best)
        return (
            t + 1,
            chosen,
            ended | (chosen == EOS),
            total,
            state,
            ids.write(t, chosen),
            alignments.write(t, alignment),
        )

    start = (
        tf.constant(0),
        tf.fill([batch], GO),
        tf.zeros([batch], tf.bool),
        tf.zeros([batch]),
        tf.nest.map_structure(tf.convert_to_tensor, state),
        tf.TensorArray(tf.int32, size=0, dynamic_size=True, element_shape=limits.shape),
        tf.TensorArray(tf.float32, size=0, dynamic_size=True, infer_shape=False),
    )
    _, _, _, total, _, ids, alignments = tf.while_loop(
        lambda t, last, ended, *_: (t == 0) | (t < longest) & ~tf.reduce_all(ended), body, start
    )
    return SearchResult(
        ids=tf.transpose(ids.stack())[:, None],
        log_probabilities=total[:, None],
        scores=total[:, None],
        alignments=tf.transpose(alignments.stack(), [1, 0, 2])[:, None],
    )
