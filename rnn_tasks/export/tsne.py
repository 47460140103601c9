"""Word vectors laid out on a plane so that near words stay near."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sklearn.manifold import TSNE
from threadpoolctl import threadpool_limits

from rnn_tasks import activity
from rnn_tasks.export.neighbours import unit_rows


def most_frequent(counts: Sequence[int], limit: int = 1000) -> np.ndarray:
    """Indices of the words to show: up to `limit`, in order of falling count, without words that never occur."""
    numbers = np.asarray(counts)
    order = np.argsort(-numbers, kind="stable")[:limit]
    return order[numbers[order] > 0]


def tsne_points(vectors: np.ndarray, seed: int, perplexity: float = 30.0) -> np.ndarray:
    """t-SNE of the vectors' directions, begun at their first two principal components.

    Args:
        vectors: (words, units); only directions count, as in the cosine by which words are compared.
        seed: the same seed and vectors give the same points.
        perplexity: number of neighbours that influence each word; lowered if there are few words.

    Returns:
        (words, 2) float32 points, centred on the origin.

    References:
        van der Maaten & Hinton 2008, "Visualizing Data using t-SNE"; Kobak & Berens 2019 on the PCA start.
    """
    unit = unit_rows(vectors)
    words = len(unit)
    if words < 3:  # nothing to arrange
        return np.column_stack([np.arange(words), np.zeros(words)]).astype(np.float32)
    start = _principal_plane(unit)
    fit = TSNE(init=start, perplexity=min(perplexity, (words - 1) / 3), random_state=seed, method="barnes_hut")
    # One thread, because there are thousands of tiny steps: several threads would wait for each other.
    with activity.doing(f"t-SNE of {words:,} vectors"), threadpool_limits(1):
        points = fit.fit_transform(unit)
    return (points - points.mean(axis=0)).astype(np.float32)


def _principal_plane(vectors: np.ndarray) -> np.ndarray:
    """(words, 2) first principal components, scaled to the tiny spread from which t-SNE wants to start."""
    centred = vectors - vectors.mean(axis=0)
    left, sizes, _ = np.linalg.svd(centred, full_matrices=False)
    plane = np.zeros((len(vectors), 2), np.float32)
    plane[:, : min(2, len(sizes))] = (left * sizes)[:, :2]
    spread = plane[:, 0].std()
    return plane / spread * 1e-4 if spread > 0 else plane
