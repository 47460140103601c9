"""Word vectors by counting: positive pointwise mutual information, factorised."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import svds

from rnn_tasks import activity

SPAN = 1 << 20


def cooccurrences(ids: np.ndarray, words: int, window: int) -> sparse.csr_matrix:
    """Counts (words, words) of words near each other; a pair at distance d counts (window + 1 - d) / window, its share
    under windows of random size.

    Args:
        ids: (words and sentence ends,) 0 ends a sentence. Ids of `words` or more are ignored.
        words: rows.
        window: words on each side.
    """
    counts = sparse.csr_matrix((words, words), dtype=np.float64)
    for start in range(0, len(ids), SPAN):
        span = np.asarray(ids[start : start + SPAN])
        is_end = span == 0
        kept, sentence = span[~is_end], np.cumsum(is_end)[~is_end]
        for distance in range(1, window + 1):
            left, right = kept[:-distance], kept[distance:]
            near = (sentence[:-distance] == sentence[distance:]) & (left < words) & (right < words)
            weights = np.full(np.count_nonzero(near), (window + 1 - distance) / window)
            once = sparse.coo_matrix((weights, (left[near], right[near])), shape=(words, words))
            counts = counts + once.tocsr()
    return counts + counts.T


def ppmi(counts: sparse.csr_matrix, power: float = 0.75) -> sparse.csr_matrix:
    """max(0, log(p(word, context) / (p(word) p(context)))), contexts' probabilities smoothed by `power`.

    References:
        Levy, Goldberg & Dagan 2015, "Improving Distributional Similarity with Lessons Learned from Word Embeddings".
    """
    rows, columns = (np.asarray(counts.sum(axis)).ravel() for axis in (1, 0))
    smoothed = columns**power / (columns**power).sum()
    found = counts.tocoo()
    with np.errstate(divide="ignore"):
        values = np.log(found.data) - np.log(rows[found.row]) - np.log(smoothed[found.col])
    kept = values > 0
    return sparse.csr_matrix((values[kept], (found.row[kept], found.col[kept])), shape=counts.shape)


def ppmi_vectors(
    ids: np.ndarray, words: int, window: int, dim: int, seed: int, total: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Vectors (total, dim) of words and of words as contexts, whose products approximate their PPMI.

    Args:
        ids, words, window: as in `cooccurrences`.
        dim: length of a vector; if there are fewer singular values, the rest is zeros.
        seed: of the search for singular vectors.
        total: rows of the tables; rows from `words` on are zero.
    """
    with activity.doing(f"PPMI and SVD of {words:,} words"):
        matrix = ppmi(cooccurrences(ids, words, window))
        rank = max(1, min(dim, words - 1))
        start = np.random.default_rng(seed).normal(size=words)
        left, sizes, right = svds(matrix, k=rank, v0=start) if matrix.nnz else _nothing(words, rank)
    roots = np.sqrt(np.maximum(sizes, 0))
    tables = np.zeros((2, total or words, dim), np.float32)
    tables[0, :words, :rank], tables[1, :words, :rank] = left * roots, right.T * roots
    return tables[0], tables[1]


def _nothing(words: int, rank: int) -> Iterable[np.ndarray]:
    return np.zeros((words, rank)), np.zeros(rank), np.zeros((rank, words))
