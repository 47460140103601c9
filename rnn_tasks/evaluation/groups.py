"""Scores of parts of a split."""

from __future__ import annotations

import bisect
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np


def score_by_group(groups: Sequence[Any], score: Callable[[np.ndarray], Sequence[float]]) -> list[tuple[Any, ...]]:
    """One or several scores for each group of examples.

    Args:
        groups: (examples,) the group of each example.
        score: indices of some examples -> their scores, for example one for each method.

    Returns:
        A row for each group, in rising order: group, number of examples, scores.
    """
    members: dict[Any, list[int]] = {}
    for index, group in enumerate(groups):
        members.setdefault(group, []).append(index)
    return [(group, len(members[group]), *score(np.array(members[group]))) for group in sorted(members)]


LENGTH_EDGES = (5, 10, 15, 20, 30, 40)


class LengthRange(NamedTuple):
    """Lengths from `shortest` to `longest` (0: without limit)."""

    shortest: int
    longest: int

    def __str__(self) -> str:
        if not self.longest:
            return f"{self.shortest}+"
        return f"{self.shortest}–{self.longest}" if self.shortest < self.longest else f"{self.longest}"


def length_ranges(lengths: Sequence[int], edges: Sequence[int] = LENGTH_EDGES) -> list[LengthRange]:
    """The range that each length falls into: groups for `score_by_group`.

    Args:
        lengths: (examples,).
        edges: rising upper bounds of the ranges, inclusive; one more range is for greater lengths.
    """
    ranges = [LengthRange(low + 1, high) for low, high in zip((-1, *edges), (*edges, 0), strict=True)]
    return [ranges[bisect.bisect_left(edges, length)] for length in lengths]
