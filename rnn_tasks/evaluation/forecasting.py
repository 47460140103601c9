"""Errors of forecasts.

References:
    Hyndman & Koehler (2006), Another look at measures of forecast accuracy (MASE).
    Makridakis (1993) as used in the M4 competition: sMAPE with the mean of both absolute values below the line.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np


class Forecasts(NamedTuple):
    """The true values that forecasts are compared with.

    Attributes:
        truth: (origins, horizon, targets).
        seen: (origins, horizon, targets) bool: True for observed values; only these are scored.
        scales: (targets,) MASE's denominators.
    """

    truth: np.ndarray
    seen: np.ndarray
    scales: np.ndarray

    def errors(self, forecast: np.ndarray) -> dict[str, float]:
        """mae, mse, rmse, mase and smape of forecasts (origins, horizon, targets)."""
        difference = np.abs(forecast - self.truth)
        size = np.abs(forecast) + np.abs(self.truth)
        relative = np.divide(2 * difference, size, out=np.zeros_like(size), where=size > 0)
        mse = self._mean(difference**2)
        return {
            "mae": self._mean(difference),
            "rmse": mse**0.5,
            "mse": mse,
            "mase": self._mean(difference / self.scales),
            "smape": 100 * self._mean(relative),
        }

    def by_step(self, forecast: np.ndarray) -> np.ndarray:
        """(horizon,) mean absolute scaled error of each step ahead; NaN where nothing was observed."""
        scaled = np.where(self.seen, np.abs(forecast - self.truth) / self.scales, 0.0)
        counts = self.seen.sum(axis=(0, 2))
        return np.divide(scaled.sum(axis=(0, 2)), counts, out=np.full(len(counts), np.nan), where=counts > 0)

    def of_targets(self, targets: Sequence[int]) -> Forecasts:
        """The same for some of the targets."""
        chosen = list(targets)
        return Forecasts(self.truth[..., chosen], self.seen[..., chosen], self.scales[chosen])

    def of_origins(self, origins: np.ndarray) -> Forecasts:
        """The same for some of the origins."""
        return Forecasts(self.truth[origins], self.seen[origins], self.scales)

    def spread(self, quantiles: np.ndarray, levels: Sequence[float]) -> dict[str, float]:
        """Scores of quantiles: pinball loss, the CRPS based on it, and the share of truths between the outer quantiles.

        Args:
            quantiles: (origins, horizon, targets, levels).
            levels: rising.
        """
        inside = (self.truth >= quantiles[..., 0]) & (self.truth <= quantiles[..., -1])
        losses = pinball(quantiles, self.truth, levels)
        return {
            "pinball": self._mean(losses.mean(axis=-1)),
            "crps": self._mean(2 * losses @ _shares(levels)),
            "coverage": self._mean(inside.astype(float)),
        }

    def _mean(self, values: np.ndarray) -> float:
        return float(values[self.seen].mean())


def pinball(quantiles: np.ndarray, truth: np.ndarray, levels: Sequence[float]) -> np.ndarray:
    """Pinball losses (…, levels) of quantiles (…, levels) against the true values (…)."""
    above = truth[..., None] - quantiles
    level = np.asarray(levels)
    return np.maximum(level * above, (level - 1) * above)


def _shares(levels: Sequence[float]) -> np.ndarray:
    """The part of the interval 0 to 1 that is nearer to each level than to the other levels."""
    edges = np.concatenate([[0.0], (np.asarray(levels)[1:] + np.asarray(levels)[:-1]) / 2, [1.0]])
    return np.diff(edges)


def naive_forecasts(history: np.ndarray, horizon: int, season: int) -> np.ndarray:
    """Forecasts that repeat the last season.

    Args:
        history: (origins, steps, targets); at least one season.
        season: 1 repeats the last value.

    Returns:
        (origins, horizon, targets).
    """
    steps = history.shape[1] - season + np.arange(horizon) % season
    return history[:, steps]


def error_rows(
    forecasts: Forecasts, methods: Mapping[str, np.ndarray], names: Sequence[str] = ("mae", "rmse", "mase", "smape")
) -> list[tuple]:
    """A header, then a row for each method: its name and its errors."""
    rows: list[tuple] = [("method", *names)]
    for method, forecast in methods.items():
        found = forecasts.errors(forecast)
        rows.append((method, *(found[name] for name in names)))
    return rows
