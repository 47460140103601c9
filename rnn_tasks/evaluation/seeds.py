"""Summaries of a figure over several seeds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class OverSeeds(NamedTuple):
    """Mean and median of a figure over seeds, and the 95 % interval of the mean; NaN bounds for a single seed."""

    mean: float
    median: float
    low: float
    high: float


def over_seeds(values: Sequence[float]) -> OverSeeds:
    """Summarise figures of independent runs; the interval is Student's t.

    Args:
        values: one a seed, at least one.

    References:
        Student (1908), The probable error of a mean, Biometrika 6(1).
    """
    from scipy.stats import t

    mean, count = float(np.mean(values)), len(values)
    if count < 2:
        return OverSeeds(mean, float(np.median(values)), math.nan, math.nan)
    half = float(t.ppf(0.975, count - 1) * np.std(values, ddof=1) / math.sqrt(count))
    return OverSeeds(mean, float(np.median(values)), mean - half, mean + half)
