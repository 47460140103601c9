"""Rows with dates as steps of a clock: sorted, each date once, without gaps; repaired values are counted."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from rnn_tasks.errors import UserError
from rnn_tasks.series.clock import Clock, date_of, find_clock
from rnn_tasks.series.config import SeriesConfig
from rnn_tasks.series.dates import RESOLUTION
from rnn_tasks.series.reading import Rows

MOST_STEPS = 50  # a row

Borders = Callable[[Clock, int], Sequence[int]]
"""(clock, steps) -> the steps at which splits begin, after the first one."""


@dataclass
class Regular:
    """A series of regular steps.

    Attributes:
        clock: the dates of its steps.
        values: (steps, targets + covariates) float64, without gaps, except in a column without values in training.
        observed: (steps, targets + covariates) bool; False for repaired values.
        known: (steps and steps ahead, known numbers) float64.
        texts: name -> (steps and steps ahead,) text.
        counts: numbers of repairs, by kind.
    """

    clock: Clock
    values: np.ndarray
    observed: np.ndarray
    known: np.ndarray
    texts: dict[str, np.ndarray]
    counts: dict[str, int]

    def __len__(self) -> int:
        return len(self.values)


def regular(
    rows: Rows, config: SeriesConfig, clock: Clock | None = None, borders: Borders = lambda clock, steps: ()
) -> Regular:
    """Rows as a series.

    Args:
        rows: of a table; their arrays are not usable afterwards.
        config: the rules.
        clock: the steps to use; None takes the clock that fits most dates.
        borders: values before a border are never repaired from values after it.

    Raises:
        UserError: duplicates or gaps where the rules allow none, uneven dates, a column without any value.
    """
    counts = dict.fromkeys(("unsorted_dates", "duplicate_dates", "missing_dates", "missing_values"), 0)
    cut = _cut(rows, config)
    if rows.dates is None:
        clock, grid, texts = clock or Clock(kind="steps", start=str(cut)), rows.numbers, rows.texts
    else:
        _sort(rows, counts)
        if config.resample:
            _resample(rows, config)
        _merge_duplicates(rows, config, counts)
        clock = clock or find_clock(rows.dates, rows.lines, rows.name)
        grid, texts = _on_grid(rows, clock, counts)
        clock = clock.model_copy(update={"start": str(rows.dates[0])})
    targets, values = len(rows.targets), len(rows.targets) + len(rows.covariates)
    filled = np.flatnonzero(~np.isnan(grid[:, :targets]).all(axis=1))
    if not len(filled):
        raise UserError(f"{rows.name}: column {rows.targets[0]} has no values; accepted is one with numbers")
    # Rows before the first target are of no use; rows after the last one hold the values known ahead.
    first, end = int(filled[0]), int(filled[-1]) + 1
    if first:
        clock = clock.model_copy(update={"start": str(clock.axis(np.array([first]))[0])})
    there = np.flatnonzero(~np.isnan(grid[:, values:]).all(axis=1))
    last = max([end, *(there[-1:] + 1)]) if rows.known else len(grid)  # empty text is known, too: no holiday
    numbers, known = grid[first:end, :values], grid[first:last, values:]
    gaps = np.isnan(numbers), np.isnan(known)
    for column, name in enumerate((*rows.targets, *rows.covariates, *rows.known)):
        if (gaps[0][:, column] if column < values else gaps[1][:, column - values]).all():
            raise UserError(f"{rows.name}: column {name} has no values; accepted is one with numbers")
    counts["missing_values"] = sum(int(there.sum()) for there in gaps)
    if config.missing == "error" and counts["missing_values"]:
        at = min(int(step) for there in gaps for step in np.flatnonzero(there.any(axis=1))[:1])
        raise UserError(
            f"{rows.name}: no value at {clock.labels(np.array([at]))[0]} ({counts['missing_values']:,} missing); "
            "data.missing accepts interpolate and forward, too"
        )
    starts = borders(clock, len(numbers))
    for block in (numbers, known):
        _fill(block, config.missing, starts)
    return Regular(clock, numbers, ~gaps[0], known, {n: text[first:last] for n, text in texts.items()}, counts)


def _cut(rows: Rows, config: SeriesConfig) -> int:
    """Remove rows outside of `start` and `end`; return the number of rows before the first kept row."""
    if not (config.start or config.end):
        return 0
    steps = np.arange(len(rows.numbers)) if rows.dates is None else rows.dates
    kept = np.ones(len(steps), bool)
    for text, key, before in ((config.start, "data.start", True), (config.end, "data.end", False)):
        if not text:
            continue
        limit = Clock(kind="steps").position_of(text, key) if rows.dates is None else date_of(text, key)
        kept &= (steps >= limit) if before else (steps <= limit)
    if not kept.any():
        raise UserError(f"{rows.name}: no rows between data.start {config.start!r} and data.end {config.end!r}")
    _take(rows, np.flatnonzero(kept))
    return int(np.argmax(kept))


def _sort(rows: Rows, counts: dict[str, int]) -> None:
    assert rows.dates is not None
    if (rows.dates[1:] >= rows.dates[:-1]).all():
        return
    counts["unsorted_dates"] = int((rows.dates[1:] < rows.dates[:-1]).sum())
    _take(rows, np.argsort(rows.dates, kind="stable"))


def _merge_duplicates(rows: Rows, config: SeriesConfig, counts: dict[str, int]) -> None:
    """Keep one row for each date: the last one or the mean."""
    assert rows.dates is not None
    again = np.flatnonzero(rows.dates[1:] == rows.dates[:-1])
    counts["duplicate_dates"] = len(again)
    if not len(again):
        return
    if config.duplicates == "error":
        date = str(rows.dates[again[0]]).replace("T", " ")
        lines = f"lines {rows.lines[again[0]]} and {rows.lines[again[0] + 1]}"
        raise UserError(
            f"{rows.name}, {lines}: {date} stands twice ({len(again):,} such rows); data.duplicates accepts last and "
            "mean, too"
        )
    last = np.append(rows.dates[1:] != rows.dates[:-1], True)
    if config.duplicates == "mean":
        group = np.cumsum(np.append(0, last[:-1]))
        for column in rows.numbers.T:
            there = ~np.isnan(column)
            sums = np.bincount(group[there], column[there], minlength=group[-1] + 1)
            with np.errstate(invalid="ignore"):
                means = sums / np.bincount(group[there], minlength=group[-1] + 1)
            column[last] = means
    _take(rows, np.flatnonzero(last))


def _resample(rows: Rows, config: SeriesConfig) -> None:
    """Rows as steps of a pandas frequency."""
    index = pd.DatetimeIndex(rows.dates)
    try:
        offset = pd.tseries.frequencies.to_offset(config.resample)
        step = index[0] + offset + offset - (index[0] + offset)  # the first one may be a part of a month
    except (ValueError, OverflowError):
        step = pd.Timedelta(0)
    if step <= pd.Timedelta(0):
        raise UserError(
            f"data.resample: {config.resample!r} is no frequency; accepted are h, D, W, MS, 15min and what pandas takes"
        )
    steps = int((index[-1] - index[0]) / step) + 1
    if steps > MOST_STEPS * len(index):
        raise UserError(
            f"{rows.name}: data.resample={config.resample} makes {steps:,} steps of {len(index):,} rows; accepted are "
            f"{MOST_STEPS} a row at most"
        )
    groups = pd.DataFrame(rows.numbers, index=index).resample(offset)
    found = {"mean": groups.mean, "last": groups.last}.get(config.aggregate, lambda: groups.sum(min_count=1))()
    texts = {n: pd.Series(text, index=index).resample(offset).last() for n, text in rows.texts.items()}
    lines = pd.Series(rows.lines, index=index).resample(offset).last().ffill()
    rows.dates = found.index.to_numpy().astype(RESOLUTION)
    rows.numbers = found.to_numpy()
    rows.texts = {name: text.fillna("").to_numpy(object) for name, text in texts.items()}
    rows.lines = lines.to_numpy(np.int32)


def _on_grid(rows: Rows, clock: Clock, counts: dict[str, int]) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Numbers and texts at every step from the first date to the last, NaN and "" where there is no row."""
    assert rows.dates is not None
    positions = clock.positions(rows.dates)
    if (positions < -(2**61)).any():
        at = int(np.flatnonzero(positions < -(2**61))[0])
        raise UserError(f"{rows.name}, line {rows.lines[at]}: the date lies between two steps; a step is a {clock}")
    positions -= positions[0]
    if len(again := np.flatnonzero(positions[1:] == positions[:-1])):
        raise UserError(
            f"{rows.name}, lines {rows.lines[again[0]]} and {rows.lines[again[0] + 1]}: two rows in one {clock} "
            f"({len(again):,} such rows); accepted is a row a {clock} (data.resample makes them)"
        )
    steps = int(positions[-1]) + 1
    counts["missing_dates"] = steps - len(positions)
    if not counts["missing_dates"]:
        return rows.numbers, rows.texts
    if steps > MOST_STEPS * len(positions):
        raise UserError(
            f"{rows.name}: {len(positions):,} rows over {steps:,} steps of a {clock}; accepted is a row a step"
        )
    grid = np.full((steps, rows.numbers.shape[1]), np.nan)
    grid[positions] = rows.numbers
    texts = {}
    for name, text in rows.texts.items():
        texts[name] = np.full(steps, "", object)
        texts[name][positions] = text
    return grid, texts


def _fill(numbers: np.ndarray, rule: str, starts: Sequence[int]) -> None:
    """Fill gaps in place, split by split, using only values before the split's end.

    Gaps before the first value of a column get that value, if it is in their split.
    """
    for column in numbers.T:
        gaps = np.isnan(column)
        if not gaps.any():
            continue
        there = np.flatnonzero(~gaps)
        for start, end in itertools.pairwise((0, *starts, len(column))):
            known = there[: np.searchsorted(there, end)]
            missing = start + np.flatnonzero(gaps[start:end])
            if not len(known):
                continue
            if rule == "forward":
                column[missing] = column[known[np.maximum(np.searchsorted(known, missing) - 1, 0)]]
            else:
                column[missing] = np.interp(missing, known, column[known])


def _take(rows: Rows, chosen: np.ndarray) -> None:
    if len(chosen) == len(rows.numbers) and (chosen == np.arange(len(chosen))).all():
        return
    rows.dates = None if rows.dates is None else rows.dates[chosen]
    rows.numbers, rows.lines = rows.numbers[chosen], rows.lines[chosen]
    rows.texts = {name: text[chosen] for name, text in rows.texts.items()}
