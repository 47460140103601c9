"""The interface between a search and a decoder, and the result of a search.

A decoder is any function that scores the next token; here a Markov chain over `<pad>`, `<unk>`, `<go>`, `<eos>`, a, b.
In it, a (4) is likelier than b (5) as the first token, but the whole output is likelier with b:

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
EXCLUDED = -1e6  # log probability of a token with probability 0; still above IMPOSSIBLE


class DecoderStep(Protocol):
    """One step of a decoder over a flat batch of hypotheses."""

    def __call__(self, ids: tf.Tensor, state: Any, memory: Any) -> tuple[tf.Tensor, Any, tf.Tensor]:
        """Score every next token.

        Args:
            ids: (hypotheses,) the tokens chosen last, `<go>` at first.
            state: nest of (hypotheses, …), the decoder's state for each hypothesis.
            memory: nest of (hypotheses, …) that never changes: the encoded source.

        Returns:
            log probabilities (hypotheses, vocabulary), the new state, alignment (hypotheses, memory time).
        """
        ...


class SearchResult(NamedTuple):
    """The hypotheses of each sentence: the best ones, best first; or the drawn ones, in the order of drawing.

    If a sentence has fewer possible hypotheses than the beam has places, the last places are empty: their ids are
    `<pad>`, their log probability and score -inf, their alignments 0. The first place is never empty.

    Attributes:
        ids: (batch, beams, time) up to and with `<eos>`, then `<pad>`.
        log_probabilities: (batch, beams), the model's own, `<eos>` included.
        scores: (batch, beams), log probabilities divided by the length penalty; a beam is sorted by them.
        alignments: (batch, beams, time, memory time).
    """

    ids: tf.Tensor
    log_probabilities: tf.Tensor
    scores: tf.Tensor
    alignments: tf.Tensor


def allowed(log_probabilities: tf.Tensor, last_step: tf.Tensor) -> tf.Tensor:
    """Forbid `<pad>` and `<go>`, and everything but `<eos>` where a hypothesis has reached its limit.

    The probabilities are not renormalised, so a score stays the sum of the model's own log probabilities.

    Args:
        log_probabilities: (hypotheses, vocabulary) float32; -inf is allowed, and NaN counts as -inf.
        last_step: (hypotheses,) bool, True where a hypothesis has reached its limit.

    Returns:
        (hypotheses, vocabulary), finite.
    """
    tokens = tf.range(tf.shape(log_probabilities)[-1])
    forbidden = (tokens == PAD) | (tokens == GO) | (last_step[:, None] & (tokens != EOS))
    return tf.where(forbidden, IMPOSSIBLE, tf.where(log_probabilities > EXCLUDED, log_probabilities, EXCLUDED))


def take_step(step: DecoderStep, ids: tf.Tensor, state: Any, memory: Any) -> tuple[tf.Tensor, Any, tf.Tensor]:
    """One step of a decoder of any precision: scores and alignment in float32, the state in the types it had before.

    Args:
        step, ids, state, memory: as in `DecoderStep`; the leaves of `state` are tensors.

    Returns:
        As in `DecoderStep`.
    """
    log_probabilities, after, alignment = step(ids, state, memory)
    flat = zip(tf.nest.flatten(after), tf.nest.flatten(state), strict=True)
    after = tf.nest.pack_sequence_as(state, [tf.cast(new, old.dtype) for new, old in flat])
    return tf.cast(log_probabilities, tf.float32), after, tf.cast(alignment, tf.float32)


def counted_limits(search: str, limits: Any) -> tuple[tf.Tensor, tf.Tensor]:
    """Check the limits of a search and convert them to int32.

    Args:
        search: name of the search, for errors.
        limits: (batch,) whole numbers of 1 or more, in any form that TensorFlow converts to a tensor.

    Returns:
        (batch,) int32, and the largest limit (1 without sentences). If a graph does not know the values, those below 1
        become 1.

    Raises:
        ValueError: another shape, limits that are not whole numbers, or a limit below 1.
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
