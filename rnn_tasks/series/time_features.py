"""Features computed from a date: hour of the day, day of the week, time of the year."""

from __future__ import annotations

import numpy as np

from rnn_tasks.series.clock import DAY, Clock

HARMONICS = 3
YEAR = 365.2425 * DAY


def available(clock: Clock, steps: int) -> list[str]:
    """The features whose period fits at least twice into `steps` steps, so that they differ from a trend."""
    if clock.kind == "steps":
        return []
    seconds = {"months": 30.4 * DAY, "working days": 1.4 * DAY, "seconds": 1}[clock.kind] * clock.every
    spans = {"hour": DAY, "weekday": 7 * DAY, "year": YEAR}
    return [name for name, span in spans.items() if seconds <= span / 2 and steps * seconds >= 2 * span]


def time_features(clock: Clock, name: str, steps: np.ndarray) -> np.ndarray:
    """One feature of steps (n,): (n, 7) for the weekday, (n, 2 * HARMONICS) of waves for the others."""
    seconds = clock.dates(steps).astype(np.int64)
    if name == "weekday":
        return np.eye(7)[(seconds // DAY + 3) % 7]  # 1970-01-01 was a Thursday
    if name == "hour":
        share = (seconds % DAY) / DAY
    else:
        years = clock.dates(steps).astype("datetime64[Y]").astype("datetime64[s]").astype(np.int64)
        share = (seconds - years) / YEAR
    angles = 2 * np.pi * share[:, None] * np.arange(1, HARMONICS + 1)
    return np.concatenate([np.sin(angles), np.cos(angles)], axis=1)
