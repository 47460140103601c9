"""Labelled sequences on disk, and batches of them in few fixed shapes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from rnn_tasks import activity
from rnn_tasks.text.token_store import TokenStore, TokenStoreWriter


@dataclass(frozen=True)
class LabelledSequences:
    """Sequences of ids, a label each, memory-mapped.

    Attributes:
        tokens: the sequences.
        labels: (sequences,) int32.
    """

    tokens: TokenStore
    labels: np.ndarray

    @classmethod
    def open(cls, prefix: Path) -> LabelledSequences:
        """Map what `write` wrote."""
        return cls(TokenStore(prefix), np.load(prefix.with_name(prefix.name + ".labels.npy"), mmap_mode="r"))

    @classmethod
    def write(cls, prefix: Path, sequences: Iterable[ArrayLike], labels: ArrayLike) -> None:
        """Write `prefix.ids` and `prefix.offsets` (see TokenStore) and `prefix.labels.npy`."""
        with TokenStoreWriter(prefix) as writer:
            for sequence in sequences:
                writer.append(sequence)
        np.save(prefix.with_name(prefix.name + ".labels.npy"), np.asarray(labels, np.int32))

    def __len__(self) -> int:
        return len(self.labels)


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
        lengths = sequences.tokens.lengths
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
        for rows, width in activity.each("batch", self._chunks(self.buckets), len(self)):
            yield rows, self._batch(rows, width)

    def _chunks(self, buckets: Iterable[np.ndarray]) -> Iterator[tuple[np.ndarray, int]]:
        for rows, width in zip(buckets, self.widths, strict=True):
            for start in range(0, len(rows), self.batch_size):
                yield rows[start : start + self.batch_size], int(width)

    def _batch(self, rows: np.ndarray, width: int) -> dict[str, np.ndarray]:
        filled = np.concatenate([rows, np.full(self.batch_size - len(rows), rows[0])])
        return {
            "ids": self.sequences.tokens.padded(filled, width),
            "labels": self.sequences.labels[filled],
            "weights": (np.arange(self.batch_size) < len(rows)).astype(np.float32),
        }
