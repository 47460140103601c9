"""Batches of examples in few fixed shapes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from rnn_tasks import activity
from rnn_tasks.dataset.examples import Examples
from rnn_tasks.dataset.ragged import RaggedArray


class ExampleBatches:
    """Batches of exactly `batch_size` rows, of sequences of similar length, padded to at most `shapes` lengths.

    A batch is a dict of the fields that are not strings, and of

    - `weights` (batch,) float32: if a bucket's examples do not fill its last batch, its first row is repeated with
      weight 0 (an empty row would be fully masked, and fused GPU kernels refuse that);
    - `lengths` (batch,) int32, if a field is ragged: time steps before the padding. All ragged fields of one example
      have the same length.

    Args:
        examples: their sequences must not be empty.
        batch_size: rows in a batch.
        seed: together with an epoch's number, decides the order of that epoch.
        shapes: the largest number of different batch lengths; each is compiled once.
    """

    def __init__(self, examples: Examples, batch_size: int, seed: int = 0, shapes: int = 4) -> None:
        self.batch_size, self.seed = batch_size, seed
        self.fields = {name: field for name, field in examples.fields.items() if not isinstance(field, list)}
        ragged = [field.lengths for field in self.fields.values() if isinstance(field, RaggedArray)]
        self.lengths = ragged[0] if ragged else None
        lengths = np.zeros(len(examples), int) if self.lengths is None else self.lengths
        # Quantiles, so that all buckets hold about the same number of sequences; multiples of 4, to avoid close shapes.
        edges = np.quantile(lengths, np.arange(1, shapes + 1) / shapes) if len(lengths) else np.zeros(1)
        self.widths = np.unique(np.ceil(edges / 4).astype(int) * 4)
        self.buckets = [np.flatnonzero(np.searchsorted(self.widths, lengths) == i) for i in range(len(self.widths))]

    def __len__(self) -> int:
        return sum(-(-len(rows) // self.batch_size) for rows in self.buckets)

    def epoch(self, number: int) -> Iterator[dict[str, np.ndarray]]:
        """Every example once, in an order that is a function of (seed, number)."""
        rng = np.random.default_rng([self.seed, number])
        chunks = list(self._chunks(rng.permutation(rows) for rows in self.buckets))
        for i in rng.permutation(len(chunks)):
            yield self._batch(*chunks[i])

    def in_buckets(self) -> Iterator[tuple[np.ndarray, dict[str, np.ndarray]]]:
        """(rows, batch), every example once, always in the same order; `rows` are the examples of weight 1."""
        for rows, width in activity.each("batch", self._chunks(self.buckets), len(self)):
            yield rows, self._batch(rows, width)

    def _chunks(self, buckets: Iterable[np.ndarray]) -> Iterator[tuple[np.ndarray, int]]:
        for rows, width in zip(buckets, self.widths, strict=True):
            for start in range(0, len(rows), self.batch_size):
                yield rows[start : start + self.batch_size], int(width)

    def _batch(self, rows: np.ndarray, width: int) -> dict[str, np.ndarray]:
        filled = np.concatenate([rows, np.full(self.batch_size - len(rows), rows[0])])
        batch = {
            name: field.padded(filled, width) if isinstance(field, RaggedArray) else np.asarray(field[filled])
            for name, field in self.fields.items()
        }
        if self.lengths is not None:
            batch["lengths"] = self.lengths[filled].astype(np.int32)
        return {**batch, "weights": (np.arange(self.batch_size) < len(rows)).astype(np.float32)}
