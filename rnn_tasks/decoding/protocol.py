"""What a search asks of a decoder, and what it gives back.

A decoder is any function that scores the next token; here a Markov chain over `<pad>`, `<unk>`, `<go>`, `<eos>`, a, b,
where a (4) is likelier than b (5) at first, but no longer with what follows:

    >>> import tensorflow as tf
    >>> from rnn_tasks.decoding import beam_search, greedy_search, sampling_search
    >>> ends = [0, 0, 0, 1, 0, 0]
    >>> go, a, b = [0, 0, 0, 0, 0.6, 0.4], [0, 0, 0, 0.4, 0.3, 0.3], [0, 0, 0, 0.9, 0.1, 0]
    >>> chain = tf.constant([ends, ends, go, ends, a, b])  # (last token, next token)
    >>> def step(ids, state, memory):  # the chain remembers its last token only and looks at no source
    ...     return tf.math.log(tf.gather(chain, ids)), state, memory
    >>> nothing, limits = tf.zeros([1, 0]), tf.constant([9])  # a batch of one sentence, at most nine tokens
    >>> greedy_search(step, nothing, nothing, limits).ids.numpy().tolist()
    [[[4, 3]]]
    >>> beam_search(step, nothing, nothing, limits, beam_width=2).ids.numpy().tolist()
    [[[5, 3], [4, 3]]]
    >>> sampling_search(step, nothing, nothing, limits, top_p=0.8, seed=1, samples=3).ids.numpy().tolist()
    [[[4, 5, 3], [5, 3, 0], [4, 3, 0]]]
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import tensorflow as tf

PAD, GO, EOS = 0, 2, 3
IMPOSSIBLE = -1e9
EXCLUDED = -1e6  # what a decoder that gives a token no probability is taken to say; still above IMPOSSIBLE


class DecoderStep(Protocol):
    """One step of a decoder over a flat batch of hypotheses."""

    def __call__(self, ids: tf.Tensor, state: Any, memory: Any) -> tuple[tf.Tensor, Any, tf.Tensor]:
        """Score every next token.

        Args:
            ids: (hypotheses,) the tokens chosen last, `<go>` at first.
            state: nest of (hypotheses, …), what the decoder remembers of each hypothesis.
            memory: nest of (hypotheses, …), what stays the same: the encoded source.

        Returns:
            log probabilities (hypotheses, vocabulary), the new state, alignment (hypotheses, memory time).
        """
        ...


class SearchResult(NamedTuple):
    """The hypotheses of each sentence: the best, best first, or what was drawn, in the order of drawing.

    Where a sentence has fewer hypotheses of any probability than the beam has places, the last places are empty: their
    ids are `<pad>`, their log probability and score -inf, their alignments 0. The first place never is.

    Attributes:
        ids: (batch, beams, time) up to and with `<eos>`, then `<pad>`.
        log_probabilities: (batch, beams), the model's own, `<eos>` included.
        scores: (batch, beams), log probabilities over the length penalty; what the order of a beam is by.
        alignments: (batch, beams, time, memory time).
    """

    ids: tf.Tensor
    log_probabilities: tf.Tensor
    scores: tf.Tensor
    alignments: tf.Tensor


def allowed(log_probabilities: tf.Tensor, last_step: tf.Tensor) -> tf.Tensor:
    """Forbid `<pad>` and `<go>`, and everything but `<eos>` where a hypothesis has reached its limit.

    The probabilities are not renormalised, so a score stays the sum of what the model said.

    Args:
        log_probabilities: (hypotheses, vocabulary) float32; -inf is allowed, and so is NaN, which counts as that.
        last_step: (hypotheses,) bool.

    Returns:
        (hypotheses, vocabulary), finite.
    """
    tokens = tf.range(tf.shape(log_probabilities)[-1])
    forbidden = (tokens == PAD) | (tokens == GO) | (last_step[:, None] & (tokens != EOS))
    return tf.where(forbidden, IMPOSSIBLE, tf.where(log_probabilities > EXCLUDED, log_probabilities, EXCLUDED))


def take_step(step: DecoderStep, ids: tf.Tensor, state: Any, memory: Any) -> tuple[tf.Tensor, Any, tf.Tensor]:
    """One step of a decoder of any precision: scores and alignment in float32, the state in the types it had before.

    Args:
        step, ids, state, memory: as of `DecoderStep`; the leaves of `state` are tensors.

    Returns:
        As of `DecoderStep`.
    """
    log_probabilities, after, alignment = step(ids, state, memory)
    flat = zip(tf.nest.flatten(after), tf.nest.flatten(state), strict=True)
    after = tf.nest.pack_sequence_as(state, [tf.cast(new, old.dtype) for new, old in flat])
    return tf.cast(log_probabilities, tf.float32), after, tf.cast(alignment, tf.float32)


def counted_limits(search: str, limits: Any) -> tuple[tf.Tensor, tf.Tensor]:
    """The longest outputs as a search counts them.

    Args:
        search: who takes them, for errors.
        limits: (batch,) whole numbers of 1 or more, in whatever TensorFlow makes a tensor of.

    Returns:
        (batch,) int32, 1 for less than 1 where a graph does not know the values; and the largest, 1 of no sentences.

    Raises:
        ValueError: another shape, no whole numbers, or one below 1.
    """
    limits = tf.convert_to_tensor(limits)
    if not limits.dtype.is_integer:
        raise ValueError(f"{search} counts limits in whole tokens, found {limits.dtype.name}")
    if not limits.shape.is_compatible_with([None]):
        raise ValueError(f"{search} takes limits (batch,), one a sentence, found {tuple(limits.shape)}")
    values = tf.get_static_value(limits)
    if values is not None and (values < 1).any():
        raise ValueError(
            f"{search} takes limits of 1 or more, `<eos>` included; found {values.min()} for sentence {values.argmin()}"
        )
    limits = tf.maximum(tf.cast(limits, tf.int32), 1)
    return limits, tf.maximum(tf.reduce_max(limits), 1)
