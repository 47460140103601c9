"""The data needed to forecast a series: columns, steps, scales, splits. It is a JSON file beside the arrays."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict

from rnn_tasks.files import write_whole
from rnn_tasks.series.clock import Clock
from rnn_tasks.series.time_features import time_features

FORM = "series.json"


class SeriesForm(BaseModel):
    """A series as it was prepared.

    Attributes:
        source: the source of the series, for people.
        clock: its steps.
        targets, covariates: names of the value columns, in their order.
        known: names of the numbers that are known ahead.
        categories: name -> categories, for texts that are known ahead.
        has_header: whether names were read; if not, a column's name is its number from 1.
        time_features: names of the time features.
        season, window, horizon, difference: in steps.
        steps, validation_start, test_start: number of steps, and first steps of the splits.
        mean, deviation: of each value column in training, after differencing.
        known_mean, known_deviation: of each known number in training.
        scales: of each target: mean absolute error of the seasonal naive forecast in training (MASE's denominator).
        said: facts found while the series was read, for people.
    """

    model_config = ConfigDict(frozen=True)

    source: str
    clock: Clock
    targets: list[str]
    covariates: list[str]
    known: list[str]
    categories: dict[str, list[str]]
    has_header: bool = True
    time_features: list[str]
    season: int
    window: int
    horizon: int
    difference: int
    steps: int
    validation_start: int
    test_start: int
    mean: list[float]
    deviation: list[float]
    known_mean: list[float]
    known_deviation: list[float]
    scales: list[float]
    said: dict[str, str] = {}

    @property
    def history(self) -> int:
        """Steps of the past that a forecast needs."""
        return self.window + self.difference

    @property
    def known_width(self) -> int:
        """Features a step that are known ahead."""
        nothing = {name: np.array([""], object) for name in self.categories}
        return self.known_features(0, np.zeros((1, len(self.known))), nothing).shape[1]

    def known_features(self, first: int, numbers: np.ndarray, texts: dict[str, np.ndarray]) -> np.ndarray:
        """The values known ahead, as features of a model.

        Args:
            first: step of the first row; it is negative if the row is before the clock's start.
            numbers: (steps, known numbers), in the user's units.
            texts: name -> (steps,) text.

        Returns:
            (steps, features) float32. A category that did not occur in training has no feature set.
        """
        steps = np.arange(first, first + len(numbers))
        parts = [(numbers - np.array(self.known_mean)) / np.array(self.known_deviation)] if self.known else []
        for name, categories in self.categories.items():
            parts.append((texts[name][:, None] == np.array(categories, object)[None]).astype(np.float32))
        parts += [time_features(self.clock, name, steps) for name in self.time_features]
        return np.concatenate([np.zeros((len(steps), 0)), *parts], axis=1).astype(np.float32)

    def scaled(self, values: np.ndarray) -> np.ndarray:
        """Values (steps, columns) scaled for a model, float32; the first `difference` steps have no meaning."""
        changes = values
        if self.difference:
            changes = np.zeros_like(values)
            changes[self.difference :] = values[self.difference :] - values[: -self.difference]
        return ((changes - np.array(self.mean)) / np.array(self.deviation)).astype(np.float32)

    def save(self, directory: Path) -> None:
        write_whole(directory / FORM, self.model_dump_json(indent=2) + "\n")

    @classmethod
    def load(cls, directory: Path) -> SeriesForm:
        return cls.model_validate_json((directory / FORM).read_bytes())
