"""Progress in words: what is being done, how fast, and how long it will take."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size
from rich.filesize import decimal

from rnn_tasks.activity import Activity

WINDOW_SECONDS = 30.0  # a speed is that of the last half minute
MARK = "..."  # ASCII, as everything here: a terminal may have any encoding


class Pace:
    """How fast the innermost activity goes, by a clock that stands still while something holds it up."""

    def __init__(self) -> None:
        self._activity: Activity | None = None
        self._seen: deque[tuple[float, int, float]] = deque()  # (clock, done, amount)
        self._clock = self._looked = 0.0

    def look(self, activity: Activity, now: float) -> None:
        """Note how far an activity is; call this every second or so."""
        if activity is not self._activity:
            self._activity = activity
            self._seen.clear()
        if self._seen and self._seen[-1][1] == activity.done_before:
            self._seen.clear()  # the first item takes longer than the others: what it needs is made, or compiled
        if not activity.note:
            self._clock += now - self._looked
        self._looked = now
        self._seen.append((self._clock, activity.done, activity.amount))
        while len(self._seen) > 2 and self._seen[1][0] <= self._clock - WINDOW_SECONDS:
            self._seen.popleft()

    def per_second(self) -> tuple[float, float]:
        """Items a second, and what `amount` counts a second; zeros where nothing has moved yet."""
        (start, *before), (end, *after) = self._seen[0], self._seen[-1]
        if end <= start:
            return 0.0, 0.0
        items, amount = ((b - a) / (end - start) for a, b in zip(before, after, strict=True))
        return items, amount


@dataclass(frozen=True)
class Status:
    """One moment in words.

    Attributes:
        steps: what is being done, from the stage to the innermost.
        time: how long it will take, or has taken.
        figures: such as the loss.
        speed: items a second.
        fraction: of the innermost activity that is done; None if unknown.
    """

    steps: tuple[str, ...]
    time: str = ""
    figures: str = ""
    speed: str = ""
    fraction: float | None = None

    def __str__(self) -> str:
        return ", ".join(filter(None, [_joined(self.steps), self.figures, self.speed, self.time]))

    def within(self, width: int) -> str:
        """The status in one line of at most `width` cells; the least needed parts are left out."""
        for steps in (self.steps, self.steps[1:], self.steps[-1:]):
            if steps and cell_len(_joined(steps)) <= width:
                break
        else:
            return set_cell_size(self.steps[-1], max(width - len(MARK), 0)) + MARK[:width]
        said = [_joined(steps), "", "", ""]
        for place, part in ((3, self.time), (1, self.figures), (2, self.speed)):  # the most needed first
            longer = [*said[:place], part, *said[place + 1 :]]
            if cell_len(", ".join(filter(None, longer))) <= width:
                said = longer
        return ", ".join(filter(None, said))


def status(outermost: Activity, pace: Pace, now: float) -> Status:
    """The status of an activity that somebody watches; updates `pace`."""
    chain = outermost.chain()
    innermost = chain[-1]
    pace.look(innermost, now)
    items, amount = pace.per_second()
    left = seconds_left(chain, items, now)
    if left is not None:
        time = f"{clock(left)} left"
    else:
        time = "" if innermost.note else f"{clock(now - innermost.began)} so far"
    speed, unit = (amount, innermost.speed_unit) if innermost.speed_unit else (items, innermost.unit)
    return Status(
        # The user has just started the outermost activity, so it need not be shown.
        steps=tuple(_step(each, each is innermost, now) for each in chain[1:] or chain),
        time=time,
        figures=", ".join(f"{name} {value:.4g}" for name, value in innermost.figures.items()),
        speed=f"{_number(speed, unit, rate=True)}/s" if speed and unit else "",
        fraction=min(innermost.done / innermost.total, 1.0) if innermost.total else None,
    )


def seconds_left(chain: Sequence[Activity], items_per_second: float, now: float) -> float | None:
    """Seconds until the outermost activity that is counted ends; None where they cannot be estimated.

    The innermost activity goes on at its speed. In an outer activity, an item takes as long as the item before it. The
    very first item does not count for this, because it takes longer; until the second one is done, the estimate comes
    from what is counted inside the item, or from the time that the item has taken so far.
    """
    left: float | None = None
    item: float | None = None  # seconds of the whole inner activity, taken as one item of the outer one
    for activity in reversed(chain):
        if not activity.total:
            item = None
            continue
        remaining, finished = max(activity.total - activity.done, 0), activity.done - activity.done_before
        if activity is chain[-1]:
            left, item = (
                (remaining / items_per_second, activity.total / items_per_second) if items_per_second else (None, None)
            )
            continue
        so_far = now - activity.moved
        if finished >= 2:
            item = max(activity.last_seconds, so_far + (left or 0.0))
            left = item - so_far
        elif finished == 1 and item is None:
            left = left or 0.0
            item = so_far + left
        if item is None or left is None:
            left = item = None
            continue
        left += max(remaining - 1, 0) * item
        item *= activity.total
    return left


def clock(seconds: float) -> str:
    """Seconds as minutes and seconds, `1:05`, or as hours, minutes and seconds, `2:01:05`."""
    minutes, rest = divmod(round(max(seconds, 0.0)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _joined(steps: Sequence[str]) -> str:
    stage, *inner = steps
    return f"{stage}: {', '.join(inner)}" if inner else stage


def _step(activity: Activity, is_innermost: bool, now: float) -> str:
    words, done, total, unit = activity.what, activity.done, activity.total, activity.unit
    if total:
        shown = done if is_innermost else min(done + 1, total)  # the item that the inner activity works on
        words += f" {_number(shown, unit if unit == 'bytes' else '')} of {_number(total, unit)}"
    elif done:
        words += f" {_number(done, unit)}"
    return f"{words}, {activity.note} for {clock(now - activity.moved)}" if activity.note else words


def _number(value: float, unit: str, rate: bool = False) -> str:
    if unit == "bytes":
        return decimal(int(value))
    shown = f"{value:.1f}" if rate and value < 10 else f"{value:,.0f}"
    return f"{shown} {unit}" if unit else shown
