"""The regular steps of a series: so many seconds, months or working days apart, or counted without dates."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict

from rnn_tasks.errors import UserError
from rnn_tasks.series.dates import RESOLUTION

DAY = 86_400
_NAMES = {1: "second", 60: "minute", 3_600: "hour", DAY: "day", 7 * DAY: "week"}


class Clock(BaseModel):
    """Step number <-> date.

    Attributes:
        kind: unit of a step.
        every: seconds, months or working days in a step.
        start: date of step 0, as ISO text; its number if there are no dates.
        month_end: whether steps of months are at the ends of months, instead of at the day of `start`.
    """

    model_config = ConfigDict(frozen=True)

    kind: Literal["steps", "seconds", "months", "working days"]
    every: int = 1
    start: str = "0"
    month_end: bool = False

    def __str__(self) -> str:
        if self.kind == "seconds":
            for seconds, name in reversed(_NAMES.items()):
                if self.every % seconds == 0:
                    count = self.every // seconds
                    return name if count == 1 else f"{count} {name}s"
        if self.kind == "months":
            return {1: "month", 3: "quarter", 12: "year"}.get(self.every, f"{self.every} months")
        return {"working days": "working day"}.get(self.kind, "step")

    def positions(self, dates: np.ndarray) -> np.ndarray:
        """Dates (n,) datetime64 -> steps (n,) int64; -2**62 for a date that is not on a step."""
        first = np.datetime64(self.start).astype(RESOLUTION)
        if self.kind == "seconds":
            whole, rest = np.divmod((dates.astype(RESOLUTION) - first).astype(np.int64), self.every)
        elif self.kind == "months":
            whole, rest = np.divmod(_months(dates) - _months(first), self.every)
        else:
            days = dates.astype("datetime64[D]")
            whole = np.busday_count(first.astype("datetime64[D]"), days)
            rest = ~np.is_busday(days)
        return np.where(rest == 0, whole, -(2**62))

    def dates(self, steps: np.ndarray) -> np.ndarray:
        """Steps (n,) -> dates (n,) datetime64[s]; for a clock with dates."""
        first = np.datetime64(self.start).astype(RESOLUTION)
        if self.kind == "seconds":
            return first + steps * np.timedelta64(self.every, "s")
        if self.kind == "working days":
            return np.busday_offset(first.astype("datetime64[D]"), steps).astype(RESOLUTION)
        months = (_months(first) + steps * self.every).astype("datetime64[M]")
        lengths = ((months + 1).astype("datetime64[D]") - months.astype("datetime64[D]")).astype(np.int64)
        day = (first.astype("datetime64[D]") - first.astype("datetime64[M]").astype("datetime64[D]")).astype(np.int64)
        days = lengths - 1 if self.month_end else np.minimum(day, lengths - 1)
        return (months.astype("datetime64[D]") + days).astype(RESOLUTION)

    def axis(self, steps: np.ndarray) -> np.ndarray:
        """Positions of steps (n,) on the axis of a figure: their dates, or their numbers."""
        return steps + int(self.start) if self.kind == "steps" else self.dates(steps)

    def labels(self, steps: np.ndarray) -> list[str]:
        """Names of the steps: ISO dates, with the time of day if steps are shorter than days."""
        if self.kind == "steps":
            return [str(step) for step in self.axis(steps)]
        unit: Literal["D", "s"] = "D" if self.kind != "seconds" or self.every % DAY == 0 else "s"
        return [text.replace("T", " ") for text in np.datetime_as_string(self.dates(steps), unit=unit)]

    def position_of(self, text: str, key: str) -> int:
        """The first step that is not before the date, or that has the number, that a user wrote.

        Raises:
            UserError: the text is neither a date nor a number.
        """
        if self.kind == "steps":
            if not text.strip().isdigit():
                raise UserError(f"{key}: found {text!r}; accepted is the number of a step, from 0")
            return int(text) - int(self.start)
        date = date_of(text, key)

        def reached(step: int) -> bool:
            return bool(self.dates(np.array([step]))[0] >= date)

        # Months and working days have unequal lengths, so the step cannot be computed from the distance of dates.
        reach = 1
        while reached(-reach) or not reached(reach):
            reach *= 2
        low, high = -reach, reach  # the one is before the date, the other is not
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if reached(middle) else (middle, high)
        return high

    def seasons(self) -> list[int]:
        """The number of steps in a day, a week and a year, if these are seasons for such steps."""
        if self.kind == "months":
            return [12 // self.every] if self.every < 12 and 12 % self.every == 0 else []
        if self.kind == "working days":
            return [5]
        if self.kind == "steps":
            return []
        if self.every == 7 * DAY:
            return [52]
        return [span // self.every for span in (DAY, 7 * DAY) if span % self.every == 0 and span >= 2 * self.every]


def date_of(text: str, key: str) -> np.datetime64:
    """A date that a user wrote in a setting.

    Raises:
        UserError: the text is not a date.
    """
    try:
        return pd.to_datetime(text, format="ISO8601").to_datetime64().astype(RESOLUTION)
    except (ValueError, TypeError):
        raise UserError(f"{key}: {text!r} is no date; accepted are 2001-12-31 and 2001-12-31 23:00") from None


def find_clock(dates: np.ndarray, lines: np.ndarray, name: str) -> Clock:
    """The clock that fits most of the dates.

    Args:
        dates: (n,) datetime64[s], rising, each once.
        lines: (n,) their line numbers, for errors.
        name: of the table, for errors.

    Raises:
        UserError: a date that lies between two steps.
    """
    if len(dates) < 2:
        raise UserError(f"{name}: one date alone; accepted is a row a step")
    start = str(dates[0])
    gaps = np.diff(dates).astype(np.int64)
    values, counts = np.unique(gaps, return_counts=True)
    usual = int(values[np.argmax(counts)])
    months = _months(dates)
    if values[0] >= 28 * DAY and (of_months := _monthly(dates, months, start)):
        clock = of_months
    elif usual == DAY and np.is_busday(dates.astype("datetime64[D]")).all() and len(dates) >= 10:
        clock = Clock(kind="working days", start=start)
    else:
        clock = Clock(kind="seconds", every=usual, start=start)
    off = np.flatnonzero(clock.positions(dates) < 0)
    if len(off):
        raise UserError(
            f"{name}, line {lines[off[0]]}: {str(dates[off[0]]).replace('T', ' ')} lies between two steps, most of "
            f"which are a {clock} apart ({len(off):,} such dates); accepted are even steps (data.resample makes them)"
        )
    return clock


def _monthly(dates: np.ndarray, months: np.ndarray, start: str) -> Clock | None:
    """A clock of months, if all dates have the same day of the month, or are the last day of their month."""
    days = dates.astype("datetime64[D]")
    of_month = (days - days.astype("datetime64[M]").astype("datetime64[D]")).astype(np.int64)
    at_end = (days + 1).astype("datetime64[M]") > days.astype("datetime64[M]")
    if np.unique(of_month).size > 1 and not at_end.all():
        return None
    values, counts = np.unique(np.diff(months), return_counts=True)
    month_end = bool(at_end.all()) and np.unique(of_month).size > 1
    return Clock(kind="months", every=int(values[np.argmax(counts)]), start=start, month_end=month_end)


def _months(dates: np.ndarray | np.datetime64) -> np.ndarray:
    return dates.astype("datetime64[M]").astype(np.int64)
