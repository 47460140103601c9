"""Beam search: the best few hypotheses side by side, for a whole batch in one compiled loop."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from rnn_tasks.decoding.protocol import (
    EOS,
    EXCLUDED,
    GO,
    IMPOSSIBLE,
    PAD,
    DecoderStep,
    SearchResult,
    allowed,
    counted_limits,
    take_step,
)


def length_penalty(lengths: tf.Tensor, alpha: tf.Tensor) -> tf.Tensor:
    """The divisor of a log probability that removes the disadvantage of long outputs.

    Args:
        lengths: tokens, `<eos>` included.
        alpha: 0 is no penalty (1 everywhere).

    References:
        Wu et al. 2016, "Google's Neural Machine Translation System", equation 14.
    """
    return ((5.0 + tf.cast(lengths, tf.float32)) / 6.0) ** tf.cast(alpha, tf.float32)


def beam_search(
    step: DecoderStep,
    state: Any,
    memory: Any,
    limits: tf.Tensor,
    beam_width: tf.Tensor | int,
    alpha: tf.Tensor | float = 1.0,
) -> SearchResult:
    """The `beam_width` best hypotheses of every sentence.

    A hypothesis that has ended keeps its place in the beam and competes with its score. The search stops when all
    hypotheses of all sentences have ended. With a beam of 1 it is the greedy search.

    Args:
        step: the decoder.
        state: nest of (batch, …), before the first step.
        memory: nest of (batch, …).
        limits: (batch,) integers of 1 or more, the longest output of each sentence, `<eos>` included; if a graph does
            not know their values, smaller values count as 1.
        beam_width: hypotheses kept, a Python or tensor integer of 1 or more.
        alpha: of the length penalty.

    Returns:
        beams = `beam_width` places for each sentence, best score first; places without a hypothesis are empty.

    Raises:
        ValueError: limits of another shape or kind, a limit below 1, or a `beam_width` below 1.
    """
    limits, longest = counted_limits("beam_search", limits)
    batch, beams = tf.shape(limits)[0], tf.cast(beam_width, tf.int32)
    width_given = tf.get_static_value(beams)
    if width_given is not None and width_given < 1:
        raise ValueError(f"beam_search takes a beam_width of 1 or more, found {width_given}")

    def spread(tensor: Any) -> Any:
        return None if tensor is None else tf.repeat(tensor, beams, axis=0)

    memory = tf.nest.map_structure(spread, memory)
    flat_limits = spread(limits)
    rows = tf.range(batch)[:, None] * beams  # (batch, 1), where each sentence's hypotheses begin

    def body(t, last, ended, possible, lengths, totals, state, ids, parents, alignments):
        log_probabilities, state, alignment = take_step(step, tf.reshape(last, [-1]), state, memory)
        vocabulary = tf.shape(log_probabilities)[-1]
        log_probabilities = allowed(log_probabilities, t + 1 >= flat_limits)
        # At most `beams` successors of a hypothesis can survive; an ended hypothesis has only one successor.
        best, tokens = tf.math.top_k(log_probabilities, tf.minimum(beams, vocabulary))
        width = tf.shape(best)[-1]
        best = tf.reshape(best, [batch, beams, width])
        tokens = tf.reshape(tokens, [batch, beams, width])
        stays = tf.where(tf.range(width) == 0, 0.0, IMPOSSIBLE)
        added = tf.where(ended[:, :, None], stays, best)
        candidates = totals[:, :, None] + added

        def all_of(values: tf.Tensor) -> tf.Tensor:
            return tf.reshape(values, [batch, beams * width])

        candidate_lengths = lengths + tf.cast(~ended, tf.int32)
        scores = candidates / length_penalty(candidate_lengths, alpha)[:, :, None]
        _, chosen = tf.math.top_k(all_of(scores), beams)  # (batch, beams)
        parent = chosen // width
        totals = tf.gather(all_of(candidates), chosen, batch_dims=1)
        possible = tf.gather(all_of(possible[:, :, None] & (added > EXCLUDED)), chosen, batch_dims=1)
        parent_ended = tf.gather(ended, parent, batch_dims=1)
        token = tf.where(parent_ended, PAD, tf.gather(all_of(tokens), chosen, batch_dims=1))
        state = tf.nest.map_structure(lambda s: tf.gather(s, tf.reshape(rows + parent, [-1])), state)
        return (
            t + 1,
            token,
            parent_ended | (token == EOS),
            possible,
            tf.gather(candidate_lengths, parent, batch_dims=1),
            totals,
            state,
            ids.write(t, token),
            parents.write(t, parent),
            alignments.write(t, tf.reshape(alignment, [batch, beams, tf.shape(alignment)[1]])),
        )

    def goes_on(t, last, ended, possible, *_):
        of_none = ~possible & tf.reduce_any(possible, axis=1, keepdims=True)  # results of these are not shown
        return (t == 0) | (t < longest) & ~tf.reduce_all(ended | of_none)

    first_only = tf.where(tf.range(beams) == 0, 0.0, IMPOSSIBLE)  # the copies of <go> must not fill the beam
    any_shape = [None, None]
    start = (
        tf.constant(0),
        tf.fill([batch, beams], GO),
        tf.zeros([batch, beams], tf.bool),
        tf.tile((first_only == 0.0)[None], [batch, 1]),
        tf.zeros([batch, beams], tf.int32),
        tf.tile(first_only[None], [batch, 1]),
        tf.nest.map_structure(spread, state),
        tf.TensorArray(tf.int32, size=0, dynamic_size=True, element_shape=any_shape),
        tf.TensorArray(tf.int32, size=0, dynamic_size=True, element_shape=any_shape),
        tf.TensorArray(tf.float32, size=0, dynamic_size=True, element_shape=[None, None, None]),
    )
    shapes = tf.nest.map_structure(lambda tensor: tensor.shape, start[:7])
    invariants = (
        shapes[0],
        *([tf.TensorShape(any_shape)] * 5),
        tf.nest.map_structure(lambda s: tf.TensorShape([None, *s.shape[1:]]), start[6]),
        *([tf.TensorShape(None)] * 3),
    )
    steps, _, _, possible, lengths, totals, _, ids, parents, alignments = tf.while_loop(
        goes_on, body, start, shape_invariants=invariants
    )
    scores = totals / length_penalty(lengths, alpha)
    _, order = tf.math.top_k(tf.where(possible, scores, scores + IMPOSSIBLE), beams)
    found, aligned = _follow_back(steps, order, ids, parents, alignments)
    # An impossible hypothesis is shown only if the sentence has no other.
    shown = tf.gather(possible, order, batch_dims=1) | (tf.range(beams) == 0)

    def in_order(values: tf.Tensor) -> tf.Tensor:
        return tf.where(shown, tf.gather(values, order, batch_dims=1), float("-inf"))

    return SearchResult(
        ids=tf.where(shown[:, :, None], found, PAD),
        log_probabilities=in_order(totals),
        scores=in_order(scores),
        alignments=tf.where(shown[:, :, None, None], aligned, 0.0),
    )


def _follow_back(
    steps: tf.Tensor, places: tf.Tensor, ids: tf.TensorArray, parents: tf.TensorArray, alignments: tf.TensorArray
) -> tuple[tf.Tensor, tf.Tensor]:
    """Read the hypotheses that end in `places` (batch, beams) from the last step to the first."""

    def body(k, places, tokens, aligned):
        t = steps - 1 - k
        tokens = tokens.write(t, tf.gather(ids.read(t), places, batch_dims=1))
        places = tf.gather(parents.read(t), places, batch_dims=1)
        # An alignment is stored at the place of the hypothesis before the step, which is its parent's place.
        return k + 1, places, tokens, aligned.write(t, tf.gather(alignments.read(t), places, batch_dims=1))

    _, _, tokens, aligned = tf.while_loop(
        lambda k, *_: k < steps,
        body,
        (
            tf.constant(0),
            places,
            tf.TensorArray(tf.int32, size=steps, element_shape=[None, None]),
            tf.TensorArray(tf.float32, size=steps, element_shape=[None, None, None]),
        ),
        shape_invariants=(
            tf.TensorShape([]),
            tf.TensorShape([None, None]),
            tf.TensorShape(None),
            tf.TensorShape(None),
        ),
    )
    return tf.transpose(tokens.stack(), [1, 2, 0]), tf.transpose(aligned.stack(), [1, 2, 0, 3])
