"""A language model reads a whole text and gives the probability of each token."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import numpy as np
import tensorflow as tf

from rnn_tasks import activity
from rnn_tasks.layers import native_inference
from rnn_tasks.training.streams import StreamBatches

TIME = 128  # tokens of a stream read at once; does not change the results


class StreamModel(Protocol):
    """A model that can read a text."""

    def first_states(self, batch: Any) -> Any: ...

    def hidden(self, ids: Any, states: Any = None, mask: Any = None, training: bool = False) -> tuple[Any, Any]: ...

    def logits(self, hidden: Any) -> Any: ...


class ReadText(NamedTuple):
    """A model's predictions of each token of a text.

    Attributes:
        nats: (tokens,) float32, -log of the token's probability.
        right: (tokens,) bool, whether the token was the likeliest.
    """

    nats: np.ndarray
    right: np.ndarray


def reset_states(states: Any, resets: tf.Tensor) -> Any:
    """Nested states (streams, …), set to zero where `resets` (streams,) is True."""

    def one(state: tf.Tensor) -> tf.Tensor:
        return tf.where(tf.reshape(resets, [-1] + [1] * (len(state.shape) - 1)), tf.zeros_like(state), state)

    return tf.nest.map_structure(one, states)


def stream_reader(model: StreamModel, streams: int, context: int) -> Callable[[np.ndarray, np.ndarray], ReadText]:
    """Make a function (ids, documents) -> `ReadText`, dropout off; compiled once, each call reads the current weights.

    Args:
        model: computes logits of the next token.
        streams, context: as in `StreamBatches`.
    """

    @tf.function(autograph=False)
    def step(batch: dict[str, tf.Tensor], states: Any) -> tuple[tf.Tensor, tf.Tensor, Any]:
        activity.note("compiling")
        with native_inference():
            hidden, after = model.hidden(batch["inputs"], reset_states(states, batch["resets"]))
            logits = model.logits(hidden)  # (streams, time, vocabulary)
        nats = tf.nn.sparse_softmax_cross_entropy_with_logits(batch["targets"], logits)
        return nats, tf.argmax(logits, axis=-1, output_type=tf.int32) == batch["targets"], after

    def read(ids: np.ndarray, documents: np.ndarray) -> ReadText:
        batches = StreamBatches(ids, documents, streams, TIME, context)
        states = tf.nest.map_structure(tf.convert_to_tensor, model.first_states(streams))
        found = ReadText(np.zeros(len(ids), np.float32), np.zeros(len(ids), bool))
        for batch in activity.each("reading", batches.epoch(), len(batches)):
            *results, states = step(
                {name: tf.constant(batch[name]) for name in ("inputs", "targets", "resets")}, states
            )
            row, column = np.nonzero(batch["targets"])
            for array, result in zip(found, results, strict=True):
                array[batch["starts"][row] + column] = result.numpy()[row, column]
        return found

    return read
