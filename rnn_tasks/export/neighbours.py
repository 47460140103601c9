"""The words that are most similar for a model."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

ROWS_AT_ONCE = 1024


class Neighbours(NamedTuple):
    """The nearest words of each word, nearest first.

    Attributes:
        indices: (words, k) int32 row numbers of the neighbours.
        similarities: (words, k) float32 cosines, falling.
    """

    indices: np.ndarray
    similarities: np.ndarray


def cosine_neighbours(vectors: np.ndarray, k: int = 10) -> Neighbours:
    """The `k` rows whose direction is nearest to each row's direction, without the row itself.

    Args:
        vectors: (words, units).
        k: neighbours of each word; at most words - 1 are given.

    Returns:
        Neighbours of shape (words, min(k, words - 1)). A zero vector is equally far (cosine 0) from all.
    """
    unit = unit_rows(vectors)
    words = len(unit)
    k = max(min(k, words - 1), 0)
    indices, similarities = np.empty((words, k), np.int32), np.empty((words, k), np.float32)
    for start in range(0, words, ROWS_AT_ONCE):
        cosines = unit[start : start + ROWS_AT_ONCE] @ unit.T  # (rows, words)
        rows = np.arange(len(cosines))
        cosines[rows, start + rows] = -np.inf
        nearest = np.argsort(-cosines, axis=1, kind="stable")[:, :k]
        indices[start : start + len(rows)] = nearest
        similarities[start : start + len(rows)] = np.take_along_axis(cosines, nearest, axis=1)
    return Neighbours(indices, similarities)


def unit_rows(vectors: np.ndarray) -> np.ndarray:
    """(words, units) float32 rows of length 1; zero rows stay zero."""
    vectors = np.asarray(vectors, np.float32)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(lengths > 0, lengths, 1)
