"""A series from its source to arrays on disk, with its form beside them."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from rnn_tasks import activity
from rnn_tasks.errors import UserError
from rnn_tasks.files import write_whole
from rnn_tasks.series.clock import Clock
from rnn_tasks.series.config import EMBEDDED, SeriesConfig
from rnn_tasks.series.form import SeriesForm
from rnn_tasks.series.layout import opener_of
from rnn_tasks.series.reading import read_rows
from rnn_tasks.series.regular import Regular, regular
from rnn_tasks.series.season import find_season, seasonal_error
from rnn_tasks.series.time_features import available
from rnn_tasks.series.windows import PreparedSeries
from rnn_tasks.synthetic.waves import embedded_series

logger = logging.getLogger(__name__)

PART = 500_000  # steps written at once
LONGEST_WINDOW = 336
MOST_CATEGORIES = 100
ROUNDING = 1e-12

Names = tuple[list[str], list[str], list[str]]
"""Names of targets, covariates and known numbers."""


def series_inputs(config: SeriesConfig) -> list[Path]:
    """The user's file, if there is one.

    Raises:
        UserError: the file does not exist.
    """
    if config.source in EMBEDDED:
        return []
    path = Path(config.source)
    if not os.path.isfile(path):  # Path's own raises where a name is too long
        found = "no regular file, and it is read more than once" if os.path.exists(path) else "no such file"
        raise UserError(f"{path}: {found} (data.source is {', '.join(EMBEDDED)} or a CSV file)")
    return [path]


def prepare_series(config: SeriesConfig, directory: Path) -> Mapping[str, int]:
    """Write a series' arrays and its form into a directory.

    `raw.npy` (steps, columns) float64, not scaled; `values.npy` float32 differenced and scaled; `known.npy` (steps,
    features) float32; `observed.npy` (steps, columns); `test.targets.npy`.

    Returns:
        Counts.
    """
    series, names, has_header, said = _series(config)
    form = _form(config, series, names, said).model_copy(update={"has_header": has_header})
    np.save(directory / "raw.npy", series.values)
    np.save(directory / "observed.npy", series.observed)
    _write_parts(directory / "values.npy", form.steps, len(form.mean), _scaled_parts(form, series.values))
    _write_parts(directory / "known.npy", form.steps, form.known_width, _known_parts(form, series))
    np.save(directory / "test.targets.npy", series.values[form.test_start :, : len(form.targets)])
    write_whole(directory / "test.targets.txt", f"horizon {form.horizon}, season {form.season}\n")
    form.save(directory)
    data = PreparedSeries(directory)
    for split in ("val", "test"):
        data.scored(split, 1)  # told before anything is trained
    counts = {
        "steps": form.steps,
        "train": form.validation_start,
        "val": form.test_start - form.validation_start,
        "test": form.steps - form.test_start,
        "targets": len(form.targets),
        "covariates": len(form.covariates),
        "known_features": form.known_width,
        "season": form.season,
        "window": form.window,
        "horizon": form.horizon,
        "segment": _segment(form),
        **series.counts,
    }
    logger.info(
        "%s: %s steps of a %s from %s; season %d, window %d, horizon %d; %s",
        form.source,
        f"{form.steps:,}",
        form.clock,
        form.clock.labels(np.array([0]))[0],
        form.season,
        form.window,
        form.horizon,
        ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in series.counts.items()),
    )
    return counts


def _series(config: SeriesConfig) -> tuple[Regular, Names, bool, dict[str, str]]:
    """The series, the names of its columns, whether the names were read, and facts found about the table."""
    if config.source in EMBEDDED:
        values, start = embedded_series(config.source, config.steps, config.noise, config.seed)
        clock = Clock(kind="months", every=12, start=start) if start else Clock(kind="steps")
        numbers = values.reshape(-1, 1)
        empty = np.zeros((len(numbers), 0))
        return Regular(clock, numbers, np.ones(numbers.shape, bool), empty, {}, {}), ([config.source], [], []), True, {}
    path = Path(config.source)
    rows = read_rows(opener_of(path), path.name, config)
    names = rows.targets, rows.covariates, rows.known
    series = regular(rows, config, borders=lambda clock, steps: _splits(config, clock, steps))
    return series, names, rows.has_header, rows.said


def _form(config: SeriesConfig, series: Regular, names: Names, said: dict[str, str]) -> SeriesForm:
    """The form of the series: splits by date; seasons, sizes and scales from the training split only."""
    steps = len(series)
    validation_start, test_start = _splits(config, series.clock, steps)
    names = _changing(config, series, names, validation_start)
    train, targets = series.values[:validation_start], len(names[0])
    season = config.season or find_season(train[:, :targets], series.clock.seasons())
    horizon = config.horizon or _horizon(series.clock, season, steps - test_start, test_start - validation_start)
    window = config.window or _window(series.clock, season, validation_start, horizon, config.difference)
    _check_sizes(config, series, (validation_start, test_start), window, horizon, season)
    texts = {name: _categories(name, text[:validation_start]) for name, text in series.texts.items()}
    changes = train[config.difference :] - train[: len(train) - config.difference] if config.difference else train
    standard = config.scaling == "standard"
    known = series.known[:validation_start]
    for name, column in zip((*names[1], *names[2]), (*train.T[targets:], *known.T), strict=True):
        if np.isnan(column).all():
            raise UserError(f"{config.source}: column {name} has no values in training; accepted is one with numbers")
    ones = np.ones(changes.shape[1])
    return SeriesForm(
        source=config.source if config.source in EMBEDDED else Path(config.source).name,
        clock=series.clock,
        targets=names[0],
        covariates=names[1],
        known=names[2],
        categories=texts,
        time_features=available(series.clock, validation_start) if config.time_features == "auto" else [],
        season=season,
        window=window,
        horizon=horizon,
        difference=config.difference,
        steps=steps,
        validation_start=validation_start,
        test_start=test_start,
        mean=(changes.mean(axis=0) if standard else 0 * ones).tolist(),
        deviation=(_positive(_deviations(changes, train)) if standard else ones).tolist(),
        known_mean=known.mean(axis=0).tolist(),
        known_deviation=_positive(_deviations(known, known)).tolist(),
        scales=[max(seasonal_error(train[:, i : i + 1], season), 1e-12) for i in range(targets)],
        said=said,
    )


def _changing(config: SeriesConfig, series: Regular, names: Names, train_end: int) -> Names:
    """The names without constant targets that the user did not name; these are removed from the series, too."""
    train = series.values[:train_end]
    still = ~(_deviations(train, train) > 0)  # nor has a column a deviation that has no values
    constant = [name for name, stands in zip(names[0], still, strict=False) if stands]
    if constant and (config.targets or len(constant) == len(names[0])):
        value = train[0, names[0].index(constant[0])]
        found = "has no values in training" if np.isnan(value) else f"is constant in training ({value:g})"
        raise UserError(
            f"{config.source}: column {constant[0]} {found}; accepted is a series that changes (data.targets chooses "
            "columns)"
        )
    if constant:
        logger.warning("%s: left out, constant in training: %s", config.source, ", ".join(constant))
        kept = [i for i in range(series.values.shape[1]) if i >= len(names[0]) or not still[i]]
        series.values, series.observed = series.values[:, kept], series.observed[:, kept]
    return [name for name in names[0] if name not in constant], names[1], names[2]


def _splits(config: SeriesConfig, clock: Clock, steps: int) -> tuple[int, int]:
    test = steps - max(1, round(config.test_fraction * steps))
    if config.test_start:
        test = clock.position_of(config.test_start, "data.test_start")
    validation = test - max(1, round(config.validation_fraction * test))
    if config.validation_start:
        validation = clock.position_of(config.validation_start, "data.validation_start")
    if not 0 < validation < test < steps:
        around = clock.labels(np.array([0, steps - 1]))
        raise UserError(
            f"data.validation_start and data.test_start: found {config.validation_start!r} and {config.test_start!r}; "
            f"accepted are dates one after the other inside {around[0]} to {around[1]}"
        )
    return validation, test


def _horizon(clock: Clock, season: int, test: int, val: int) -> int:
    """A day of shorter steps, two weeks of days, eight weeks, a year of months; else a season, ten at most."""
    by_kind = {"months": 12 // min(clock.every, 12) if clock.every < 12 else 5, "working days": 10}
    usual = by_kind.get(clock.kind, min(max(season, 5), 10))
    if clock.kind == "seconds":
        days = clock.every / 86_400
        usual = min(round(1 / days), 48) if days <= 0.5 else 14 if days < 7 else 8
    return max(1, min(usual, test // 2, val * 2 // 3))


def _window(clock: Clock, season: int, train: int, horizon: int, difference: int) -> int:
    """Two seasons, and a little more than the longest one of the calendar; a quarter of training at most."""
    longest = max([1, *(one for one in clock.seasons() if one <= train // 6)])
    wanted = max(2 * season, longest + min(longest, 24), 2 * horizon, 20)
    return max(2, min(wanted, max(LONGEST_WINDOW, season), (train - difference) // 4))


def _segment(form: SeriesForm) -> int:
    """Steps of a window that are read at once: a part of a day, or of the season; sixteen reads or more are left."""
    season = min([one for one in form.clock.seasons() if one <= form.window], default=form.season)
    most = max(1, form.window // 16)
    return max(length for length in range(1, most + 1) if season % length == 0)


def _check_sizes(
    config: SeriesConfig, series: Regular, starts: tuple[int, int], window: int, horizon: int, season: int
) -> None:
    train, val, test = starts[0], starts[1] - starts[0], len(series) - starts[1]
    asked = f"window {window}, horizon {horizon}" + (f", difference {config.difference}" if config.difference else "")
    for name, found, least in (
        ("training", train, window + config.difference + horizon + 1),
        ("validation", val, horizon),
        ("the test", test, horizon),
    ):
        if found < least:
            raise UserError(
                f"{config.source}: {found:,} steps for {name}, of {len(series):,} in all; accepted with {asked} are "
                f"{least:,} at least (data.window, data.horizon)"
            )
    if season >= train:
        raise UserError(f"data.season: found {season}; accepted is less than the {train:,} steps of training")


def _categories(name: str, text: np.ndarray) -> list[str]:
    found = sorted(set(text.tolist()) - {""})
    if len(found) > MOST_CATEGORIES:
        raise UserError(
            f"data.known: column {name} holds {len(found):,} different texts, such as {found[0]!r}; accepted are "
            f"numbers or {MOST_CATEGORIES} categories"
        )
    return found


def _deviations(columns: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The deviation of each column; 0 if a column is constant up to rounding errors of such values."""
    deviations = columns.std(axis=0)
    return np.where(deviations <= ROUNDING * np.abs(values).max(axis=0), 0.0, deviations)


def _positive(deviation: np.ndarray) -> np.ndarray:
    return np.where(deviation > 0, deviation, 1.0)


def _scaled_parts(form: SeriesForm, values: np.ndarray) -> Iterator[np.ndarray]:
    for start in range(0, len(values), PART):
        before = min(start, form.difference)
        yield form.scaled(values[start - before : start + PART])[before:]


def _known_parts(form: SeriesForm, series: Regular) -> Iterator[np.ndarray]:
    for start in activity.each("part of the time features", range(0, form.steps, PART)):
        end = min(start + PART, form.steps)
        texts = {name: text[start:end] for name, text in series.texts.items()}
        yield form.known_features(start, series.known[start:end], texts)


def _write_parts(path: Path, rows: int, columns: int, parts: Iterator[np.ndarray]) -> None:
    """An array file, part by part: pages written through a memory map would count as this process' memory."""
    header = {"descr": "<f4", "fortran_order": False, "shape": (rows, columns)}
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        for part in parts:
            file.write(np.ascontiguousarray(part, "<f4").tobytes())
