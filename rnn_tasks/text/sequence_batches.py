"""Labelled sequences on disk, and batches of them in few fixed shapes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

PAD = 0


@dataclass(frozen=True)
class LabelledSequences:
    """Sequences of ids laid end to end, a label each.

    Attributes:
        ids: (all symbols,) int32.
        offsets: (sequences + 1,) int64; sequence i is `ids[offsets[i] : offsets[i + 1]]`.
        labels: (sequences,) int32.
    """

    ids: np.ndarray
    offsets: np.ndarray
    labels: np.ndarray

    @classmethod
    def of(cls, sequences: Iterable[Iterable[int]], labels: Iterable[int]) -> LabelledSequences:
        """Lay sequences end to end."""
        rows = [np.asarray(sequence, np.int32) for sequence in sequences]
        offsets = np.cumsum([0, *map(len, rows)], dtype=np.int64)
        ids = np.concatenate([np.zeros(0, np.int32), *rows])
        return cls(ids, offsets, np.fromiter(labels, np.int32, len(rows)))

    @classmethod
    def open(cls, directory: Path) -> LabelledSequences:
        """Memory-map what `save` wrote."""
        return cls(*(np.load(directory / f"{name}.npy", mmap_mode="r") for name in ("ids", "offsets", "labels")))

    def save(self, directory: Path) -> None:
        """Write `ids.npy`, `offsets.npy` and `labels.npy`."""
        directory.mkdir(parents=True)
        for name in ("ids", "offsets", "labels"):
            np.save(directory / f"{name}.npy", getattr(self, name))

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def lengths(self) -> np.ndarray:
        """(sequences,) symbols in each."""
        return np.diff(self.offsets)

    def padded(self, rows: np.ndarray, length: int) -> np.ndarray:
        """(len(rows), length) int32, right-padded with 0."""
        batch = np.full((len(rows), length), PAD, np.int32)
        for i, row in enumerate(rows):
            sequence = self.ids[self.offsets[row] : self.offsets[row + 1]]
            batch[i, : len(sequence)] = sequence
        return batch


class SequenceBatches:
    """Batches of sequences of like length: `batch_size` rows always, and at most `shapes` different lengths.

    A batch is a dict of `ids` (batch, time) int32, `labels` (batch,) int32 and `weights` (batch,) float32. Where a
    bucket's sequences do not fill its last batch, its first row is repeated with weight 0: an empty row would be
    masked whole, which fused GPU kernels refuse.

    Args:
        sequences: none of them empty.
        batch_size: rows a batch.
        seed: with an epoch's number, decides the order of that epoch.
        shapes: different batch lengths at most; each is compiled once.
    """

    def __init__(self, sequences: LabelledSequences, batch_size: int, seed: int = 0, shapes: int = 4) -> None:
        self.sequences = sequences
        self.batch_size = batch_size
        self.seed = seed
        lengths = sequences.lengths
        # Quantiles, so that buckets hold about as many sequences each; whole fours, so that shapes differ by something.
        edges = np.quantile(lengths, np.arange(1, shapes + 1) / shapes) if len(lengths) else np.zeros(1)
        self.widths = np.unique(np.ceil(edges / 4).astype(int) * 4)
        self.buckets = [np.flatnonzero(np.searchsorted(self.widths, lengths) == i) for i in range(len(self.widths))]

    def __len__(self) -> int:
        return sum(-(-len(rows) // self.batch_size) for rows in self.buckets)

    def epoch(self, number: int) -> Iterator[dict[str, np.ndarray]]:
        """Every sequence once, in an order that is a function of (seed, number)."""
        rng = np.random.default_rng([self.seed, number])
        chunks = list(self._chunks(rng.permutation(rows) for rows in self.buckets))
        for i in rng.permutation(len(chunks)):
            yield self._batch(*chunks[i])

    def in_buckets(self) -> Iterator[tuple[np.ndarray, dict[str, np.ndarray]]]:
        """(rows, batch), every sequence once, always in the same order; `rows` are those of weight 1."""
        for rows, width in self._chunks(self.buckets):
            yield rows, self._batch(rows, width)

    def _chunks(self, buckets: Iterable[np.ndarray]) -> Iterator[tuple[np.ndarray, int]]:
        for rows, width in zip(buckets, self.widths, strict=True):
            for start in range(0, len(rows), self.batch_size):
                yield rows[start : start + self.batch_size], int(width)

    def _batch(self, rows: np.ndarray, width: int) -> dict[str, np.ndarray]:
        filled = np.concatenate([rows, np.full(self.batch_size - len(rows), rows[0])])
        return {
            "ids": self.sequences.padded(filled, width),
            "labels": self.sequences.labels[filled],
            "weights": (np.arange(self.batch_size) < len(rows)).astype(np.float32),
        }
