"""Sentence pairs in padded batches of a few fixed shapes.

A compiled training step is compiled again for every new shape, and computing padding is a waste. So pairs are grouped
into buckets of similar lengths, and all batches of a bucket have one shape.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from rnn_tasks import activity
from rnn_tasks.dataset.ragged import RaggedArray
from rnn_tasks.text.vocabulary import EOS, GO

_ROWS_MULTIPLE = 8  # good for vector units, tensor cores and splits over a few devices
# Quantiles of source and target lengths at which a bucket may end; dense where lengths are rare and long.
_ENDS = (*np.linspace(0, 1, 20), 0.97, 0.98, 0.99, 0.995, 0.999)


class BatchShape(NamedTuple):
    """Shape of every batch of a bucket: rows, source tokens, target tokens (`<go>` or `<eos>` included)."""

    rows: int
    source_time: int
    target_time: int


def choose_shapes(
    source_lengths: np.ndarray, target_lengths: np.ndarray, tokens_per_batch: int, max_shapes: int
) -> list[BatchShape]:
    """Shapes that waste little on padding, found greedily.

    It starts with one shape that holds everything. Then it adds, one by one, the shape that saves most of the padded
    area, until there are `max_shapes` or no shape saves any. The area counts the filler rows of last batches,
    so that little data gets few shapes.

    Args:
        source_lengths: (pairs,) widths the sources need.
        target_lengths: (pairs,) widths the targets need.
        tokens_per_batch: bound on rows * max(source_time, target_time), but a batch has 8 rows at least.
        max_shapes: the largest number of shapes.

    Returns:
        Shapes, the smallest area of a row first; every pair fits into the last one.
    """
    # Pairs of equal lengths are counted, not listed.
    keys, pairs = np.unique(source_lengths * (target_lengths.max() + 1) + target_lengths, return_counts=True)
    sources, targets = np.divmod(keys, target_lengths.max() + 1)

    def shapes_of(widths: list[tuple[int, int]]) -> tuple[list[BatchShape], int]:
        """The shapes with these (source_time, target_time), the unused left out, and the area they pad."""
        widths = sorted(widths, key=sum)
        sizes = np.bincount(_smallest_fitting(sources, targets, widths), pairs, minlength=len(widths)).astype(int)
        used = [(width, int(size)) for width, size in zip(widths, sizes, strict=True) if size]
        shapes = [BatchShape(_rows(size, max(width), tokens_per_batch), *width) for width, size in used]
        return shapes, _positions(shapes, [size for _, size in used])

    candidates = [
        (int(source), int(target))
        for source in np.unique(np.quantile(source_lengths, _ENDS, method="higher"))
        for target in np.unique(np.quantile(target_lengths, _ENDS, method="higher"))
    ]
    widths = [(int(sources.max()), int(targets.max()))]
    shapes, area = shapes_of(widths)
    while len(shapes) < max_shapes:
        widths.append(min(candidates, key=lambda candidate: shapes_of([*widths, candidate])[1]))
        better, better_area = shapes_of(widths)
        if better_area >= area:
            break
        shapes, area = better, better_area
    return shapes


def _positions(shapes: list[BatchShape], sizes: list[int]) -> int:
    """Source and target positions, padded or not, of all batches when `sizes` pairs have these shapes."""
    return sum(
        -(-size // shape.rows) * shape.rows * (shape.source_time + shape.target_time)
        for shape, size in zip(shapes, sizes, strict=True)
    )


def _rows(pairs: int, time: int, tokens_per_batch: int) -> int:
    """Rows of a bucket's batches: as many as the budget allows and the bucket's pairs need."""
    needed = -(-pairs // _ROWS_MULTIPLE)
    return _ROWS_MULTIPLE * max(1, min(tokens_per_batch // time // _ROWS_MULTIPLE, needed))


def _smallest_fitting(sources: np.ndarray, targets: np.ndarray, widths: list[tuple[int, int]]) -> np.ndarray:
    """Index of the first of `widths` that is wide enough on both sides, for each pair of lengths."""
    fits = [(sources <= source_time) & (targets <= target_time) for source_time, target_time in widths]
    return np.argmax(fits, axis=0)


class PairBatches:
    """Batches of sentence pairs for training or scoring.

    A batch is a dict of int32 arrays, padded with 0 at the end only:

    - `source` (rows, source_time): the source's tokens, last first with `reverse_source`; `<eos>` alone when empty;
    - `target_in` (rows, target_time): `<go>` w1 … wn;
    - `target_out` (rows, target_time): w1 … wn `<eos>`.

    The last batch of a bucket is filled with rows whose `target_out` is all 0, so that they have no weight in a loss.
    They have one token of source and target, since some kernels do not support a row with only padding.

    Args:
        source: ids without special tokens, in natural order.
        target: as many sequences.
        tokens_per_batch: bound on rows * max(source_time, target_time), but a batch has 8 rows at least.
        seed: decides the order of every epoch.
        reverse_source: feed sources from their last token to their first.
        max_shapes: how many different shapes of batches at most.

    References:
        Sutskever, Vinyals and Le (2014), Sequence to sequence learning with neural networks, section 3.3 (reversal).
    """

    def __init__(
        self,
        source: RaggedArray,
        target: RaggedArray,
        *,
        tokens_per_batch: int,
        seed: int = 0,
        reverse_source: bool = False,
        max_shapes: int = 8,
    ):
        if len(source) != len(target) or not len(source):
            raise ValueError(f"{len(source)} sources and {len(target)} targets: expected equally many, and some")
        self._source, self._target = source, target
        self._seed, self._reverse = seed, reverse_source
        self._tokens_per_batch = tokens_per_batch
        self._source_lengths = source_lengths = np.maximum(source.lengths, 1)
        self._target_lengths = target_lengths = target.lengths + 1
        self.shapes = choose_shapes(source_lengths, target_lengths, tokens_per_batch, max_shapes)
        bucket = _smallest_fitting(source_lengths, target_lengths, [shape[1:] for shape in self.shapes])
        by_length = np.lexsort((source_lengths, target_lengths, bucket)).astype(np.int32)
        ends = np.cumsum(np.bincount(bucket, minlength=len(self.shapes)))
        self._buckets = np.split(by_length, ends[:-1])  # a bucket: its pairs, the shortest target first
        self._tokens = int(source_lengths.sum() + target_lengths.sum())

    def __len__(self) -> int:
        """Batches an epoch, the same in every epoch."""
        return sum(-(-len(pairs) // shape.rows) for pairs, shape in zip(self._buckets, self.shapes, strict=True))

    @property
    def padding_fraction(self) -> float:
        """Share of an epoch's source and target positions that hold no token, filler rows included."""
        return 1 - self._tokens / _positions(self.shapes, [len(pairs) for pairs in self._buckets])

    def epoch(self, number: int, skip: int = 0) -> Iterator[dict[str, np.ndarray]]:
        """Every pair once, pairs shuffled within buckets and batches across buckets.

        Args:
            number: of the epoch; with the seed it decides the order.
            skip: leave out this many first batches, to continue in the middle of an epoch.
        """
        random = np.random.default_rng([self._seed, number])
        plan = self._plan([random.permutation(pairs) for pairs in self._buckets])
        for position in random.permutation(len(plan))[skip:]:
            yield self._batch(*plan[position])

    def ordered(self) -> Iterator[dict[str, np.ndarray]]:
        """Every pair once, bucket after bucket and the shortest targets first, as evaluation wants it.

        If eight copies of a pair do not fit into `tokens_per_batch`, the pair is its own batch, without filler rows.
        These batches also have `index` (rows,) int32: the number of each row's pair, -1 for filler rows.
        """
        for shape, pairs in activity.each("batch", list(self._plan_in_budget())):
            index = np.full(shape.rows, -1, np.int32)
            index[: len(pairs)] = pairs
            yield {**self._batch(shape, pairs), "index": index}

    def _plan_in_budget(self) -> Iterator[tuple[BatchShape, np.ndarray]]:
        """Batches within `tokens_per_batch`; if eight rows would exceed it, their pairs come one by one."""
        for shape, pairs in self._plan(self._buckets):
            if shape.rows * max(shape.source_time, shape.target_time) <= self._tokens_per_batch:
                yield shape, pairs
                continue
            for pair in pairs[:, None]:
                yield BatchShape(1, int(self._source_lengths[pair[0]]), int(self._target_lengths[pair[0]])), pair

    def _plan(self, buckets: list[np.ndarray]) -> list[tuple[BatchShape, np.ndarray]]:
        return [
            (shape, pairs[start : start + shape.rows])
            for shape, pairs in zip(self.shapes, buckets, strict=True)
            for start in range(0, len(pairs), shape.rows)
        ]

    def _batch(self, shape: BatchShape, pairs: np.ndarray) -> dict[str, np.ndarray]:
        source = np.zeros((shape.rows, shape.source_time), np.int32)
        target_in = np.zeros((shape.rows, shape.target_time), np.int32)
        target_out = np.zeros((shape.rows, shape.target_time), np.int32)
        filled = np.arange(len(pairs))
        source[filled] = self._source.padded(pairs, shape.source_time, self._reverse)
        source[source[:, 0] == 0, 0] = EOS  # empty sources and filler rows
        target = self._target.padded(pairs, shape.target_time - 1)
        target_in[:, 0] = GO
        target_in[filled, 1:] = target
        target_out[filled, :-1] = target
        target_out[filled, np.count_nonzero(target, axis=1)] = EOS
        return {"source": source, "target_in": target_in, "target_out": target_out}
