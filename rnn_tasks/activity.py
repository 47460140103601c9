"""Current activities and their progress, for programs that show them. By default nothing is shown.

Code that takes long names its activity, and does not depend on terminals, logs or pages::

    with activity.doing("t-SNE of 600 words"):
        ...
    for batch in activity.each("batch", batches):
        ...
        activity.tell(loss=0.3)

To show progress, a watcher takes the outermost activity from `watched` and reads it at any time and from any thread;
each activity refers to the one inside it. There are no callbacks. So counting costs almost nothing, and a watcher can
also show the time of a call that does not return for minutes.
"""

from __future__ import annotations

import contextlib
import operator
import time
from collections.abc import Iterable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TypeVar

Item = TypeVar("Item")

_innermost: ContextVar[Activity | None] = ContextVar("innermost_activity", default=None)


@dataclass(slots=True, eq=False)
class Activity:
    """A current activity; its attributes change as it makes progress.

    Attributes:
        what: a short description: "building the native kernels"; for counted items, the word before the numbers:
            "epoch", "translating".
        total: total number of items, if known.
        unit: the counted items, if `what` does not name them: "sentences", "bytes".
        done: number of items done. The activity inside works on the next item.
        speed_unit: the unit of `amount`, if a speed in it is more useful than one in `unit`: "target tokens".
        amount: the amount done, in `speed_unit`.
        figures: current numbers, such as the loss.
        note: the current reason for a delay, such as compiling; removed at the next progress.
        done_before: number of items already done at the start, in a resumed run.
        began: start time, by the monotonic clock.
        moved: time of the last progress.
        last_seconds: duration of the last item.
        outside, inside: the activity that contains this one, and the current activity inside this one.
        ended: whether the activity has ended.
    """

    what: str
    total: int | None = None
    unit: str = ""
    done: int = 0
    speed_unit: str = ""
    amount: float = 0.0
    figures: Mapping[str, float] = field(default_factory=dict)
    note: str = ""
    done_before: int = field(init=False)
    began: float = field(default_factory=time.monotonic)
    moved: float = field(init=False)
    last_seconds: float = 0.0
    outside: Activity | None = None
    inside: Activity | None = None
    ended: bool = False

    def __post_init__(self) -> None:
        self.done_before, self.moved = self.done, self.began

    def advance(self, by: int = 1) -> None:
        """Count items as done."""
        now = time.monotonic()
        self.done += by
        self.last_seconds = (now - self.moved) / max(by, 1)
        self.moved = now
        if self.note:
            self.note = ""

    def chain(self) -> list[Activity]:
        """This activity, the one inside it, and so on to the innermost; readable from any thread."""
        found, inner = [self], self.inside
        while inner is not None:
            found.append(inner)
            inner = inner.inside
        return found


@contextlib.contextmanager
def watched(what: str) -> Iterator[Activity]:
    """An activity for a watcher, who sees all activities that begin inside it in this thread."""
    with _going_on(Activity(what)) as outermost:
        yield outermost


def current() -> Activity | None:
    """The innermost current activity of this thread; None if nobody watches."""
    return _innermost.get()


@contextlib.contextmanager
def doing(
    what: str, total: int | None = None, *, unit: str = "", done: int = 0, speed_unit: str = ""
) -> Iterator[Activity]:
    """An activity for the length of the block. The arguments are attributes of `Activity`."""
    this = Activity(what, total, unit, done, speed_unit)
    if _innermost.get() is None:  # nobody watches
        yield this
    else:
        with _going_on(this):
            yield this


def each(
    what: str,
    items: Iterable[Item],
    total: int | None = None,
    *,
    unit: str = "",
    done: int = 0,
    speed_unit: str = "",
) -> Iterator[Item]:
    """The items, counted as they are processed.

    Args:
        items: processed one by one in a `for` loop.
        total: number of all items; None takes the length of `items`, if they have one.
        what, unit, done, speed_unit: attributes of `Activity`.
    """
    known = total if total is not None else operator.length_hint(items, -1)
    with doing(what, None if known < 0 else known, unit=unit, done=done, speed_unit=speed_unit) as this:
        for item in items:
            yield item
            this.advance()


def tell(amount: float = 0.0, **figures: float) -> None:
    """Add to the current activity: the amount done since the last call, and current figures."""
    this = _innermost.get()
    if this is not None:
        this.amount += amount
        this.figures = figures


def note(text: str) -> None:
    """Set the reason for a delay of the current activity, such as "compiling"; "" or progress removes it."""
    this = _innermost.get()
    if this is not None:
        this.note = text


@contextlib.contextmanager
def _going_on(this: Activity) -> Iterator[Activity]:
    outside = this.outside = _innermost.get()
    if outside is not None:
        outside.inside = this
    _innermost.set(this)
    try:
        yield this
    finally:
        this.ended = True
        if outside is not None and outside.inside is this:
            outside.inside = None
        # Generators may end in another order than they began: an activity that continues stays the innermost.
        last = _innermost.get()
        while last is not None and last.ended:
            last = last.outside
        _innermost.set(last)
