"""Batches that are drawn when they are needed, and never twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

TRAIN, VAL, TEST = 1, 2, 3
"""First number of the seeds of each split, so that splits draw different data."""


@dataclass(frozen=True)
class FreshBatches:
    """Endless training data: batch `i` of an epoch is a function of (seed, epoch, i), and batches are not stored.

    Attributes:
        draw: (examples, generator) -> the fields of a batch.
        batch_size: examples in a batch.
        batches: number of batches in an epoch.
        seed: the same seed draws the same batches.
    """

    draw: Callable[[int, np.random.Generator], dict[str, np.ndarray]]
    batch_size: int
    batches: int
    seed: int

    def __len__(self) -> int:
        return self.batches

    def epoch(self, number: int) -> Iterator[dict[str, np.ndarray]]:
        """The batches of an epoch; all rows have the weight 1."""
        for i in range(self.batches):
            yield {
                **self.draw(self.batch_size, np.random.default_rng([TRAIN, self.seed, number, i])),
                "weights": np.ones(self.batch_size, np.float32),
            }
