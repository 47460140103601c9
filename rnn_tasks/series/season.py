"""The season of a series: the number of steps after which it repeats best."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

LONGEST = 600
SEEN = 50_000  # only this many last steps of training are used
AS_GOOD = 0.95
MOST_AHEAD = 48
ROUNDING = 1e-9  # of the series' deviation


def find_season(train: np.ndarray, candidates: Sequence[int]) -> int:
    """The season whose naive forecast (the value one season ago) has the least error in training; 1 if the last value
    is a better forecast.

    Args:
        train: (steps, targets).
        candidates: seasons of the calendar. The lag with the most similar changes is tried, too.

    Returns:
        Steps; if several seasons are about as good, the first of the candidates.
    """
    recent = train[-SEEN:]
    scaled = recent / np.maximum(recent.std(axis=0), 1e-12)
    possible = [one for one in (*candidates, _most_alike(scaled[:, 0])) if 1 < one <= len(scaled) // 3]
    ahead = min(max([*possible, 2]), MOST_AHEAD)  # over which a forecast that stays at the last value errs, too
    best, least = 1, float(np.mean([seasonal_error(scaled, lag) for lag in range(1, ahead + 1)]))
    for season in possible:
        lags = [season * -(-lag // season) for lag in range(1, ahead + 1)]
        error = float(np.mean([seasonal_error(scaled, lag) for lag in lags if lag < len(scaled)]))
        if error < AS_GOOD * least - ROUNDING:
            best, least = season, error
    return best


def seasonal_error(values: np.ndarray, season: int) -> float:
    """Mean absolute difference between values (steps, targets) and the values one season before."""
    return float(np.abs(values[season:] - values[:-season]).mean())


def _most_alike(values: np.ndarray) -> int:
    """The first high peak of the changes' autocorrelation; 1 where there is none."""
    changes = np.diff(values)
    changes = changes - changes.mean()
    size = 1 << (2 * len(changes) - 1).bit_length()
    spectrum = np.abs(np.fft.rfft(changes, size)) ** 2
    lags = min(LONGEST, len(values) // 3)
    alike = np.fft.irfft(spectrum, size)[: lags + 1]
    if lags < 3 or alike[0] <= 0:
        return 1
    alike = alike / alike[0]
    peaks = [i for i in range(2, lags) if alike[i - 1] < alike[i] >= alike[i + 1] and alike[i] > 0.1]
    return next((i for i in peaks if alike[i] > 0.9 * max(alike[j] for j in peaks)), 1)
