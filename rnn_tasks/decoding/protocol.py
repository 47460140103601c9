"""What a search asks of a decoder, and what it gives back."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import tensorflow as tf

PAD, GO, EOS = 0, 2, 3
IMPOSSIBLE = -1e9


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
    """The best hypotheses of each sentence, best first.

    Attributes:
        ids: (batch, beams, time) up to and with `<eos>`, then `<pad>`.
        log_probabilities: (batch, beams), the model's own, `<eos>` included.
        scores: (batch, beams), log probabilities over the length penalty; what the order is by.
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
        log_probabilities: (hypotheses, vocabulary).
        last_step: (hypotheses,) bool.
    """
    tokens = tf.range(tf.shape(log_probabilities)[-1])
    forbidden = (tokens == PAD) | (tokens == GO) | (last_step[:, None] & (tokens != EOS))
    return tf.where(forbidden, IMPOSSIBLE, log_probabilities)
