"""What is being done and how far it is, for whoever wants to show it. By default nobody does, and nothing is said.

Work that takes long names itself, and knows nothing of terminals, logs or pages::

    with activity.doing("t-SNE of 600 words"):
        ...
    for batch in activity.each("batch", batches):
        ...
        activity.tell(loss=0.3)

Whoever wants to show it takes the outermost activity from `watched` and reads, whenever it likes and from any thread,
what goes on: each activity knows the one inside it. Nothing is called back, so that counting costs next to nothing
and a watcher can still tell how long something takes that does not come back for minutes.
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
    """Something that is being done; what it says of itself changes while it goes on.

    Attributes:
        what: in a few words: "building the native kernels"; for what is counted, the word before the numbers:
            "epoch", "translating".
        total: how many there will be, where that is known.
        unit: what is counted, where `what` does not say so: "sentences", "bytes".
        done: how many are done. The one after them is what the activity inside is about.
        speed_unit: what `amount` counts, where a speed in it says more than one in `unit`: "target tokens".
        amount: how much of it is done.
        figures: numbers of the moment, such as the loss.
        note: what holds it up at the moment, such as compiling; gone when it goes on.
        done_before: what was done when it began, in a run that is resumed.
        began: when, by the monotonic clock.
        moved: when it last went on.
        last_seconds: how long the last item took.
        outside, inside: the activity that this one is a part of, and the part of it that is going on.
        ended: whether it is over.
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
        """Count what has been done."""
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
    """An activity for somebody to watch, who sees what is begun inside it in this thread."""
    with _going_on(Activity(what)) as outermost:
        yield outermost


def current() -> Activity | None:
    """What is being done here, where somebody watches."""
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
    """The items, counted as they are worked off.

    Args:
        items: what is worked off, one by one, in a `for` loop.
        total: how many there are in all; taken from the items where they know it.
        what, unit, done, speed_unit: attributes of `Activity`.
    """
    known = total if total is not None else operator.length_hint(items, -1)
    with doing(what, None if known < 0 else known, unit=unit, done=done, speed_unit=speed_unit) as this:
        for item in items:
            yield item
            this.advance()


def tell(amount: float = 0.0, **figures: float) -> None:
    """Say more about what is being done here: an amount done since the last time, and figures of the moment."""
    this = _innermost.get()
    if this is not None:
        this.amount += amount
        this.figures = figures


def note(text: str) -> None:
    """Say what holds up what is being done here, such as "compiling"; "" takes it back, going on does, too."""
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
        # Generators need not end in the order in which they began: what goes on still stays the innermost.
        last = _innermost.get()
        while last is not None and last.ended:
            last = last.outside
        _innermost.set(last)
