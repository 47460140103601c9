"""An endpoint that takes strings and says how probably each belongs to a language."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from rnn_tasks.export.saved_model import Endpoint, load_endpoints
from rnn_tasks.text.characters import CharacterEncoder
from rnn_tasks.text.vocabulary import UNK, Vocabulary


def membership_endpoint(model: keras.Model, vocabulary: Vocabulary) -> tuple[Endpoint, CharacterEncoder]:
    """Strings (batch,) -> probabilities (batch,) float32.

    The empty string and any string with a character outside the vocabulary get exactly 0: they cannot belong to a
    language over that alphabet, and the model, which never saw such a character, has nothing to say about them.

    Args:
        model: ids (batch, time) -> logits (batch, 1).
        vocabulary: the characters by id.

    Returns:
        The endpoint, and the encoder to track as its resource.
    """
    encoder = CharacterEncoder(vocabulary)

    def serve(strings: tf.Tensor) -> tf.Tensor:
        ids = encoder(strings)  # (batch, time)
        probabilities = tf.sigmoid(model(ids, training=False)[:, 0])  # (batch,)
        return tf.where(tf.reduce_any(ids == UNK, axis=1), 0.0, probabilities)

    return Endpoint(serve, [tf.TensorSpec([None], tf.string, name="strings")]), encoder


def load_membership(directory: Path) -> Callable[[Sequence[str]], np.ndarray]:
    """Strings -> probabilities (strings,) float32, through the SavedModel that stands in `directory`."""
    endpoints = load_endpoints(directory)

    def probabilities(strings: Sequence[str]) -> np.ndarray:
        return endpoints.serve(tf.constant(strings, tf.string, [len(strings)])).numpy()

    return probabilities
