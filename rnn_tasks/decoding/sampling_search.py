"""Outputs drawn from the decoder's distribution, token by token."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from rnn_tasks.decoding.drawing import draw, keep_top_k, keep_top_p, tempered
from rnn_tasks.decoding.protocol import EOS, GO, PAD, DecoderStep, SearchResult, allowed, counted_limits, take_step


def sampling_search(
    step: DecoderStep,
    state: Any,
    memory: Any,
    limits: tf.Tensor,
    temperature: float = 1.0,
    top_k: int = 0,
    top_p: float = 1.0,
    *,
    seed: tf.Tensor | int,
    samples: int = 1,
    streams: tf.Tensor | None = None,
) -> SearchResult:
    """Draw outputs of every sentence until all have ended.

    The temperature is applied first. Then only the `top_k` likeliest tokens are kept, and then the smallest set of
    these that has `top_p` of the remaining probability.

    Every sentence has its own stream of random numbers, a function of `seed`, `samples` and the sentence's number in
    `streams`: its outputs depend neither on the batch's size nor on the other sentences and limits. The numbers differ
    from sentence to sentence, so that a batch with the same prompt many times does not give the same output many times.

    Args:
        step: the decoder.
        state: nest of (batch, …), before the first step.
        memory: nest of (batch, …).
        limits: (batch,) integers of 1 or more, the longest output of each sentence, `<eos>` included; if a graph does
            not know their values, smaller values count as 1.
        temperature: 1e-6 to 1000; towards 0 it is the greedy search.
        top_k: 0 keeps every token; 1 is the greedy search.
        top_p: in (0, 1]; 1 keeps every token.
        seed: an integer; the same seed draws the same outputs.
        samples: outputs a sentence, each drawn on its own.
        streams: (batch,) int32, each sentence's number; None takes its position in the batch. If a file is cut into
            batches, give line numbers: then a line's outputs do not depend on its batch.

    Returns:
        beams = `samples` outputs for each sentence, in the order in which they were drawn (not sorted). Their scores
        are their log probabilities under the model itself, without temperature, `top_k` and `top_p`.

    Raises:
        ValueError: an impossible temperature, `top_k`, `top_p` or number of samples; limits of another shape or kind,
            or a limit below 1.
    """
    if samples < 1:
        raise ValueError(f"samples must be 1 or more; found {samples}")
    limits, longest = counted_limits("sampling_search", limits)
    batch = tf.shape(limits)[0]
    uniforms = _uniforms(seed, tf.range(batch) if streams is None else streams, longest, samples)

    def spread(tensor: Any) -> Any:
        return None if tensor is None else tf.repeat(tensor, samples, axis=0)

    memory = tf.nest.map_structure(spread, memory)
    limits = spread(limits)

    def body(t, last, ended, total, state, ids, alignments):
        log_probabilities, state, alignment = take_step(step, last, state, memory)
        log_probabilities = allowed(log_probabilities, t + 1 >= limits)
        drawn = draw(keep_top_p(keep_top_k(tempered(log_probabilities, temperature), top_k), top_p), uniforms[t])
        total += tf.where(ended, 0.0, tf.gather(log_probabilities, drawn, batch_dims=1))
        chosen = tf.where(ended, PAD, drawn)
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
        tf.fill(tf.shape(limits), GO),
        tf.zeros_like(limits, tf.bool),
        tf.zeros_like(limits, tf.float32),
        tf.nest.map_structure(spread, state),
        tf.TensorArray(tf.int32, size=0, dynamic_size=True, element_shape=[None]),
        tf.TensorArray(tf.float32, size=0, dynamic_size=True, element_shape=[None, None]),
    )
    invariants = (
        tf.TensorShape([]),
        *([tf.TensorShape([None])] * 3),
        tf.nest.map_structure(lambda s: tf.TensorShape([None, *s.shape[1:]]), start[4]),
        *([tf.TensorShape(None)] * 2),
    )
    steps, _, _, total, _, ids, alignments = tf.while_loop(
        lambda t, last, ended, *_: (t == 0) | (t < longest) & ~tf.reduce_all(ended),
        body,
        start,
        shape_invariants=invariants,
    )
    total = tf.reshape(total, [batch, samples])
    aligned = tf.transpose(alignments.stack(), [1, 0, 2])  # (batch · samples, time, memory time)
    return SearchResult(
        ids=tf.reshape(tf.transpose(ids.stack()), [batch, samples, steps]),
        log_probabilities=total,
        scores=total,
        alignments=tf.reshape(aligned, [batch, samples, steps, tf.shape(aligned)[2]]),
    )


def _uniforms(seed: tf.Tensor | int, streams: tf.Tensor, longest: tf.Tensor, samples: int) -> tf.Tensor:
    """Random numbers (longest, batch · samples) float64; each sentence has its own generator."""

    def of_sentence(stream: tf.Tensor) -> tf.Tensor:
        pair = tf.stack([tf.cast(seed, tf.int64), tf.cast(stream, tf.int64)])
        # Philox counts through the numbers row by row, so a longer neighbour only adds numbers at the end.
        return tf.random.stateless_uniform([longest, samples], pair, dtype=tf.float64, alg="philox")

    # Add one stream, because `map_fn` cannot stack the results of no sentences.
    streams = tf.concat([tf.cast(streams, tf.int64), [0]], axis=0)
    drawn = tf.map_fn(of_sentence, streams, fn_output_signature=tf.TensorSpec([None, samples], tf.float64))[:-1]
    return tf.reshape(tf.transpose(drawn, [1, 0, 2]), [longest, tf.shape(drawn)[0] * samples])
