"""Embedded series of numbers: waves, sums of sines, noise, and the sunspots that statsmodels ships.

References:
    Géron (2017), Hands-On Machine Learning, 1st edition, chapter 14: t·sin(t)/3 + 2·sin(5t), ten steps to a unit of t.
"""

from __future__ import annotations

import numpy as np

STEPS_A_UNIT = 10
SINES = ((1.0, 24.0, 0.3), (0.6, 11.0, 1.1), (0.4, 60.0, 2.0))
"""(amplitude, period in steps, phase) of each sine of `sines`."""


def waves(steps: int) -> np.ndarray:
    """t·sin(t)/3 + 2·sin(5t) for t = 0, 0.1, …, (steps,)."""
    t = np.arange(steps) / STEPS_A_UNIT
    return t * np.sin(t) / 3 + 2 * np.sin(5 * t)


def sines(steps: int) -> np.ndarray:
    """A sum of three sines, (steps,)."""
    step = np.arange(steps)
    return np.sum([a * np.sin(2 * np.pi * step / period + phase) for a, period, phase in SINES], axis=0)


def sunspots() -> np.ndarray:
    """Yearly numbers of sunspots from 1700 to 2008, (309,)."""
    from statsmodels.datasets import sunspots as dataset

    return dataset.load_pandas().data["SUNACTIVITY"].to_numpy(np.float64)


def embedded_series(name: str, steps: int, noise: float, seed: int) -> tuple[np.ndarray, str]:
    """A series by name.

    Args:
        name: waves, sines, noise or sunspots.
        steps: of a generated one.
        noise: standard deviation of the noise added to it; the series `noise` itself has a deviation of 1.
        seed: draws the noise.

    Returns:
        (steps,) float64, and the date of its first step, empty where it has none.
    """
    rng = np.random.default_rng(seed)
    if name == "sunspots":
        values, start = sunspots(), "1700-01-01"
    else:
        start = ""
        values = rng.normal(size=steps) if name == "noise" else {"waves": waves, "sines": sines}[name](steps)
    return (values + noise * rng.normal(size=len(values)) if noise else values), start
