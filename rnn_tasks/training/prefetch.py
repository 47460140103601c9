"""Batches made in the background, while the step before them runs."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

Item = TypeVar("Item")

_END = object()


def prefetched(items: Iterable[Item], ahead: int) -> Iterator[Item]:
    """The same items in the same order, up to `ahead` of them made by a thread before they are asked for.

    An error of the source is raised where its item would have come. The thread ends when the iterator is closed, is
    exhausted, or is no longer referred to.

    Args:
        items: the source; it is iterated in one thread alone.
        ahead: 0 makes each item when it is asked for.
    """
    if not ahead:
        yield from items
        return
    made: queue.Queue[tuple[Any, BaseException | None]] = queue.Queue(ahead)
    closed = threading.Event()

    def put(item: Any, error: BaseException | None = None) -> None:
        while not closed.is_set():
            with contextlib.suppress(queue.Full):
                made.put((item, error), timeout=0.2)
                return

    def make() -> None:
        try:
            for item in items:
                put(item)
                if closed.is_set():
                    return
            put(_END)
        except BaseException as error:  # whatever it is, it belongs to the consumer
            put(_END, error)

    thread = threading.Thread(target=make, name="prefetch", daemon=True)
    thread.start()
    try:
        while True:
            item, error = made.get()
            if error is not None:
                raise error
            if item is _END:
                return
            yield item
    finally:
        closed.set()
        thread.join()
