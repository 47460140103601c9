"""Windows of words, in batches for `rnn_tasks.models.word_vectors`: subsampled, of random size, with noise words.

A batch is a span of the text, divided into blocks of `positions` positions; each block makes one update. A block
consists of rows of `ROW` neighbouring positions.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

ROW = 32
"""Positions in a row: a row's scores are one matrix product, and longer rows waste a larger part of it."""
NOISE_POWER = 0.75
Batch = dict[str, np.ndarray]


def keep_probability(counts: np.ndarray, threshold: float) -> np.ndarray:
    """(words,) float32: the share of each word's occurrences that subsampling keeps; 1 throughout without a threshold.

    Args:
        counts: (words,) in the training split.
        threshold: relative frequency above which words are thinned out; 0 keeps all.

    References:
        Mikolov et al. 2013, "Distributed Representations of Words and Phrases", section 2.3; this is the formula of
        their program, (sqrt(f / t) + 1) · t / f.
    """
    keep = np.ones(len(counts), np.float32)
    if threshold:
        seen = counts > 0
        share = counts[seen] / counts.sum()
        keep[seen] = np.minimum(1, (np.sqrt(share / threshold) + 1) * threshold / share)
    return keep


def noise_distribution(counts: np.ndarray, power: float = NOISE_POWER) -> np.ndarray:
    """(words,) float64 probabilities in proportion to counts ** power."""
    weights = np.where(counts > 0, np.asarray(counts, np.float64) ** power, 0)
    return weights / weights.sum()


class WindowBatches:
    """The windows of a text.

    A batch has, for B blocks of R rows:

    - `centres` (B, R, ROW) and `contexts` (B, R, ROW + 2 · window) int32 ids, of the positions and of these with
      `window` positions on both sides;
    - `left`, `right` (B, R, ROW) int32: number of words before and after a position in its window, which ends with its
      sentence; 0 at filler positions of a row;
    - `noise` (B, noise) int32: the noise words that all positions of a block share;
    - `words` scalar float32: words of raw text.

    Args:
        ids: (words and sentence ends,) int32, 0 ends a sentence; may be memory-mapped.
        counts: (vocabulary,) of the training split; 0 where a word is never noise.
        window: the largest number of words on each side.
        dynamic: draw each position's window from 1 to `window`.
        threshold: of `keep_probability`.
        noise: noise words in a block.
        positions: positions in a block, a multiple of `ROW`.
        span: words of raw text in a batch.
        seed: together with an epoch's number, decides everything that is drawn.
    """

    def __init__(
        self,
        ids: np.ndarray,
        counts: np.ndarray,
        *,
        window: int = 5,
        dynamic: bool = True,
        threshold: float = 1e-3,
        noise: int = 64,
        positions: int = 1024,
        span: int = 16_384,
        seed: int = 0,
    ) -> None:
        self.ids, self.window, self.dynamic, self.noise, self.span, self.seed = ids, window, dynamic, noise, span, seed
        self.rows = positions // ROW
        self.keep = keep_probability(counts, threshold)
        self.keep[0] = 1  # sentence ends
        self.cumulative = np.cumsum(noise_distribution(counts))

    def __len__(self) -> int:
        return -(-len(self.ids) // self.span)

    def epoch(self, number: int) -> Iterator[Batch]:
        """The whole text once, spans in an order that is a function of (seed, number)."""
        for start in np.random.default_rng([self.seed, number]).permutation(len(self)):
            yield self.batch(number, int(start))

    def ordered(self, limit: int | None = None) -> Iterator[Batch]:
        """The first `limit` spans in the text's order, the same each time."""
        for number in range(len(self) if limit is None else min(limit, len(self))):
            yield self.batch(0, number)

    def blocks(self, limit: int | None = None) -> Iterator[Batch]:
        """The blocks of `ordered(limit)` one by one, without `words`."""
        for batch in self.ordered(limit):
            for number in range(len(batch["centres"])):
                yield {name: array[number] for name, array in batch.items() if np.ndim(array)}

    def batch(self, epoch: int, number: int) -> Batch:
        """A span's windows, the same for the same seed, epoch and number."""
        rng = np.random.default_rng([self.seed, epoch, number])
        raw = np.asarray(self.ids[number * self.span : (number + 1) * self.span])
        kept = raw[rng.random(len(raw), np.float32) < self.keep[raw]]
        words, left, right = self._windows(kept, rng)
        size = self.rows * ROW
        blocks = max(1, -(-len(words) // size))
        around = np.zeros(blocks * size + 2 * self.window, np.int32)
        around[self.window : self.window + len(words)] = words
        overlapping = np.lib.stride_tricks.sliding_window_view(around, ROW + 2 * self.window)[::ROW].copy()
        shape = (blocks, self.rows, ROW)
        filling = blocks * size - len(words)
        draws = np.searchsorted(self.cumulative, rng.random((blocks, self.noise)), side="right")
        return {
            "centres": around[self.window : len(around) - self.window].reshape(shape),
            "contexts": overlapping.reshape(*shape[:2], -1),
            "left": np.pad(left, (0, filling)).reshape(shape),
            "right": np.pad(right, (0, filling)).reshape(shape),
            "noise": np.minimum(draws, len(self.cumulative) - 1).astype(np.int32),
            "words": np.array(np.count_nonzero(raw), np.float32),
        }

    def _windows(self, ids: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Words without sentence ends, and how far the window of each reaches to the left and to the right."""
        is_end = ids == 0
        words = ids[~is_end]
        sentence = np.cumsum(is_end, dtype=np.int32)[~is_end]
        borders = np.flatnonzero(np.diff(sentence)) + 1
        starts = np.concatenate([[0], borders])
        lengths = np.diff(np.concatenate([starts, [len(words)]]))
        place = np.arange(len(words)) - np.repeat(starts, lengths)
        reach = rng.integers(1, self.window + 1, len(words)) if self.dynamic else self.window
        left, right = np.minimum(reach, place), np.minimum(reach, np.repeat(lengths, lengths) - 1 - place)
        return words, left.astype(np.int32), right.astype(np.int32)
