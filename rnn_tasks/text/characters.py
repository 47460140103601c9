"""Strings as sequences of character ids, in plain Python for preparing and in TensorFlow for serving."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

import numpy as np
import tensorflow as tf

from rnn_tasks.text.vocabulary import PAD, UNK, Vocabulary

NO_CHARACTER = "\N{REPLACEMENT CHARACTER}"  # for bytes that are not UTF-8, by TensorFlow; never in a vocabulary


def character_vocabulary(strings: Iterable[str]) -> Vocabulary:
    """Every character of `strings`, the most frequent first."""
    counts: Counter[str] = Counter()
    for string in strings:
        counts.update(string)
    return Vocabulary.from_counts(counts)


def character_ids(strings: Iterable[str], vocabulary: Vocabulary) -> Iterator[np.ndarray]:
    """(characters,) int32 for each string; characters outside the vocabulary are `<unk>`."""
    known = {token: i for i, token in enumerate(vocabulary.tokens)}
    for string in strings:
        yield np.array([known.get(character, UNK) for character in string], np.int32)


class CharacterEncoder(tf.Module):
    """`character_ids` in a graph, so that a SavedModel takes strings; track it when exporting."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        super().__init__()
        ids = tf.range(len(vocabulary), dtype=tf.int32)
        self.table = tf.lookup.StaticHashTable(
            tf.lookup.KeyValueTensorInitializer(tf.constant(vocabulary.tokens), ids), default_value=UNK
        )

    def __call__(self, strings: tf.Tensor) -> tf.Tensor:
        """Strings (batch,) -> ids (batch, time) int32, right-padded.

        An empty string becomes one `<unk>`, so that no row is all padding: a fully masked row has no last state.
        """
        filled = tf.where(strings == "", NO_CHARACTER, strings)
        characters = tf.strings.unicode_split(filled, "UTF-8")  # (batch, ragged)
        return tf.ragged.map_flat_values(self.table.lookup, characters).to_tensor(PAD)  # (batch, time)
