"""Dates as people write them: the possible formats of a column, and the choice between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

RESOLUTION = "datetime64[s]"
ISO, WEEK, QUARTER = "ISO 8601", "ISO weeks", "quarters"
UNIX, UNIX_MS = "seconds since 1970", "milliseconds since 1970"
MONTH_FIRST, DAY_FIRST = "month_first", "day_first"

_DAYS = {
    **{f"%m{s}%d{s}%Y": MONTH_FIRST for s in "/-."},
    **{f"%d{s}%m{s}%Y": DAY_FIRST for s in "/-."},
    **{f"%m{s}%d{s}%y": MONTH_FIRST for s in "/-"},
    **{f"%d{s}%m{s}%y": DAY_FIRST for s in "/-."},
    **dict.fromkeys(("%Y/%m/%d", "%Y.%m.%d", "%Y%m%d", "%Y %m %d"), ""),
    **dict.fromkeys(("%d-%b-%Y", "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%d-%b-%y", "%d/%b/%Y"), ""),
}
_TIMES = ("", " %H:%M", " %H:%M:%S", " %I:%M:%S %p", " %I:%M %p", " %H", "T%H:%M:%S", " %H:%M:%S.%f")
_MONTHS = ("%Y/%m", "%Y %m", "%m/%Y", "%m-%Y", "%b %Y", "%B %Y", "%b-%Y", "%b-%y", "%Y-%b", "%YM%m", "%Y %m %d %H")
_DIGITS = {4: "%Y", 6: "%Y%m", 8: "%Y%m%d", 10: UNIX, 13: UNIX_MS}


@dataclass(frozen=True)
class DateFormat:
    """One way to write dates.

    Attributes:
        format: for `strptime`, or one of the names above.
        order: month_first or day_first, where that is the question.
    """

    format: str
    order: str = ""

    def __str__(self) -> str:
        order = {MONTH_FIRST: "US order, month first", DAY_FIRST: "day first"}.get(self.order)
        return f"{self.format} ({order})" if order else self.format

    def parse(self, cells: pd.Series) -> np.ndarray:
        """Cells (rows,) of text -> (rows,) datetime64[s], NaT for a cell that is not such a date."""
        if self.format in (UNIX, UNIX_MS):
            numbers = pd.to_numeric(cells, errors="coerce")
            found = pd.to_datetime(numbers, unit="s" if self.format == UNIX else "ms", errors="coerce")
        elif self.format == QUARTER:
            parts = cells.str.extract(r"^(\d{4})[-\s]?Q([1-4])$")
            months = parts[0] + "-" + ((pd.to_numeric(parts[1]) - 1) * 3 + 1).astype("Int64").astype(str)
            found = pd.to_datetime(months, format="%Y-%m", errors="coerce")
        elif self.format == WEEK:
            parts = cells.str.extract(r"^(\d{4})[-\s]?W(\d{1,2})$")
            found = pd.to_datetime(parts[0] + "-" + parts[1] + "-1", format="%G-%V-%u", errors="coerce")
        elif self.format == ISO:
            # Offsets may change with daylight saving within a column, so all dates are converted to UTC.
            found = pd.to_datetime(cells, format="ISO8601", errors="coerce", utc=True).dt.tz_localize(None)
        else:
            found = pd.to_datetime(cells, format=self.format, errors="coerce")
        return found.to_numpy().astype(RESOLUTION)


def possible_formats(sample: Sequence[str], order: str = "auto") -> list[DateFormat]:
    """The formats in which every cell of a sample is a date, likelier ones first; none if it is not a column of dates.

    Args:
        sample: cells of one column; no cell is empty.
        order: auto, month_first or day_first, if the order is unclear.
    """
    cells = pd.Series(list(sample), dtype=str).str.strip()
    if cells.empty:
        return []
    if cells.str.fullmatch(r"\d+").all():
        widths = cells.str.len().unique()
        candidates = [DateFormat(_DIGITS[widths[0]])] if len(widths) == 1 and widths[0] in _DIGITS else []
    elif pd.to_numeric(cells, errors="coerce").notna().all():
        return []  # decimal numbers
    else:
        candidates = [DateFormat(ISO), DateFormat(WEEK), DateFormat(QUARTER)]
        candidates += [DateFormat(day + time, order) for time in _TIMES for day, order in _DAYS.items()]
        candidates += [DateFormat(month) for month in _MONTHS]
    first = cells.iloc[:1]
    fitting = [one for one in candidates if not np.isnat(one.parse(first)[0]) or one.order]
    found = [one for one in fitting if _plausible(one.parse(cells))]
    if any(not one.order for one in found):
        return [one for one in found if not one.order][:1]
    return [one for one in found if order in ("auto", one.order)]


def most_regular(choices: Sequence[np.ndarray]) -> int | None:
    """The reading of a column of dates that has the most even steps; None if several are equally even.

    Args:
        choices: (rows,) datetime64 each.
    """
    uneven = []
    for dates in choices:
        steps = np.diff(np.unique(dates)).astype(np.int64)
        days = steps / 86_400
        months = len(steps) > 0 and bool(np.all((days >= 28) & (days <= 31)))  # even, by the calendar
        uneven.append(1 if months else len(np.unique(steps)))
    best = int(np.argmin(uneven))
    return best if uneven.count(uneven[best]) == 1 else None


def _plausible(dates: np.ndarray) -> bool:
    if np.isnat(dates).any():
        return False
    years = dates.astype("datetime64[Y]").astype(int) + 1970
    return bool((years >= 1000).all() and (years < 3000).all())
