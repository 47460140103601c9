"""Windows over a prepared series, cut out of memory-mapped arrays when a batch is made."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from rnn_tasks.errors import UserError
from rnn_tasks.series.form import SeriesForm


class PreparedSeries:
    """The arrays of a prepared series, memory-mapped.

    Args:
        directory: as `prepare_series` filled it.
    """

    def __init__(self, directory: Path):
        self.form = SeriesForm.load(directory)
        self.raw, self.values, self.observed = (
            np.load(directory / f"{name}.npy", mmap_mode="r") for name in ("raw", "values", "observed")
        )

        # An array without columns cannot be mapped.
        self.known = np.load(directory / "known.npy", mmap_mode="r" if self.form.known_width else None)

    def origins(self, split: str) -> range:
        """The steps at which a forecast may begin, so that all its steps are inside the split.

        The past of a forecast may reach into the split before.
        """
        form = self.form
        start, end = {
            "train": (form.history, form.validation_start),
            "val": (form.validation_start, form.test_start),
            "test": (form.test_start, form.steps),
        }[split]
        return range(max(start, form.history), end - form.horizon + 1)

    def batch(self, origins: np.ndarray) -> dict[str, np.ndarray]:
        """The inputs and targets of windows that end before `origins` (batch,).

        Returns:
            `inputs` (batch, window, columns), `known` (batch, window + horizon, features), `targets` (batch, window +
            horizon, targets): those of the past are the window's own.
        """
        form = self.form
        span = origins[:, None] + np.arange(-form.window, form.horizon)  # (batch, window + horizon)
        values = self.values[span]  # (batch, window + horizon, columns)
        batch = {"inputs": values[:, : form.window], "targets": values[:, :, : len(form.targets)]}
        return {**batch, "known": self.known[span]} if form.known_width else batch

    def future(self, origins: np.ndarray) -> np.ndarray:
        """The true values from `origins` on, in the user's units: (batch, horizon, targets) float64."""
        return self.raw[origins[:, None] + np.arange(self.form.horizon), : len(self.form.targets)]

    def seen(self, origins: np.ndarray) -> np.ndarray:
        """Which values of `future` were observed and not repaired: (batch, horizon, targets) bool."""
        return self.observed[origins[:, None] + np.arange(self.form.horizon), : len(self.form.targets)]

    def counted(self, steps: np.ndarray) -> np.ndarray:
        """Which targets of `batch` come only from observed values (a change from two of them): (…, targets) bool."""
        there = self.observed[steps, : len(self.form.targets)]
        if self.form.difference:
            there = there & self.observed[steps - self.form.difference, : len(self.form.targets)]
        return there

    def history(self, origins: np.ndarray, steps: int) -> np.ndarray:
        """The last steps before `origins`, in the user's units: (batch, steps, columns) float64."""
        return self.raw[origins[:, None] + np.arange(-steps, 0)]

    def known_numbers(self, step: int) -> list[float]:
        """The numbers known ahead for a step, in the user's units."""
        form, scaled = self.form, self.known[step]
        return [float(scaled[i]) * form.known_deviation[i] + form.known_mean[i] for i in range(len(form.known))]

    def known_texts(self, step: int) -> list[str]:
        """The texts known ahead for a step; empty for a category that did not occur in training."""
        place, texts = len(self.form.known), []
        for categories in self.form.categories.values():
            flags = self.known[step, place : place + len(categories)]
            texts.append(categories[int(np.argmax(flags))] if flags.any() else "")
            place += len(categories)
        return texts

    def scored(self, split: str, most: int) -> np.ndarray:
        """Up to `most` origins of a split, evenly spaced; no origin in a gap, because it was filled from later values.

        Raises:
            UserError: no origin has observed values ahead to score.
        """
        form, origins = self.form, np.array(self.origins(split))
        there = self.counted(np.arange(origins[0], origins[-1] + form.horizon)).any(axis=1)
        before = np.cumsum(np.append(0, there))
        ahead = before[form.horizon :] > before[: -form.horizon]
        chosen = origins[self.observed[origins - 1].all(axis=1) & ahead]
        if not len(chosen):
            first, last = form.clock.labels(np.array([origins[0] - 1, origins[-1] + form.horizon - 1]))
            raise UserError(
                f"{form.source}: nothing to score in the {split} split, {first} to {last}: found no step at which all "
                f"of {', '.join((*form.targets, *form.covariates))} have a value, and a target ahead; accepted is one"
            )
        return chosen[np.unique(np.linspace(0, len(chosen) - 1, min(most, len(chosen))).round().astype(int))]


class WindowBatches:
    """Training windows, drawn again for each epoch.

    Args:
        series: the prepared series.
        batch_size: windows a batch; the last one is filled up with windows of weight 0.
        seed: with an epoch's number, decides the order of that epoch.
        most: the largest number of windows in an epoch; 0 takes all. If there are fewer windows than a tenth of it, all
            of them are drawn repeatedly, so that an epoch has some updates.
    """

    def __init__(self, series: PreparedSeries, batch_size: int, seed: int, most: int = 0):
        self.series, self.batch_size, self.seed = series, batch_size, seed
        self.origins = series.origins("train")
        count = len(self.origins)
        self.windows = min(count * max(1, -(-most // (10 * count))), most or count)

    def __len__(self) -> int:
        return -(-self.windows // self.batch_size)

    def epoch(self, number: int) -> Iterator[dict[str, np.ndarray]]:
        """Windows in an order that is a function of (seed, number)."""
        rng = np.random.default_rng([self.seed, number])
        passes = -(-self.windows // len(self.origins))
        drawn = [rng.choice(len(self.origins), self.windows // passes, replace=False) for _ in range(passes)]
        chosen = np.concatenate(drawn) + self.origins.start
        for start in range(0, len(chosen), self.batch_size):
            yield self.filled(chosen[start : start + self.batch_size])

    def filled(self, origins: np.ndarray) -> dict[str, np.ndarray]:
        """A whole batch: the first window is repeated with weight 0."""
        rows = self._rows(origins)
        weights = (np.arange(self.batch_size) < len(origins)).astype(np.float32)
        return {**self.series.batch(rows), "weights": weights}

    def judged(self, origins: np.ndarray) -> dict[str, np.ndarray]:
        """A whole batch, and weights of values ahead, `counted` (batch, horizon, targets): 0 for repaired values."""
        steps = self._rows(origins)[:, None] + np.arange(self.series.form.horizon)
        return {**self.filled(origins), "counted": self.series.counted(steps).astype(np.float32)}

    def _rows(self, origins: np.ndarray) -> np.ndarray:
        return np.concatenate([origins, np.full(self.batch_size - len(origins), origins[0])])
