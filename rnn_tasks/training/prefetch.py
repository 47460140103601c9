"""A thread that makes the next items while the current item is in use."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")


@contextlib.contextmanager
def prefetched(items: Iterable[Item], ahead: int = 2) -> Iterator[Iterator[Item]]:
    """`with prefetched(items) as ready`: the same items in the same order, up to `ahead` of them made in advance.

    If making an item raises an error, it is raised where the item would be taken. The thread ends with the block, which
    may be left before the last item.

    Args:
        items: only the thread iterates over them.
        ahead: the largest number of waiting items, 1 or more.
    """
    waiting: queue.Queue[tuple[str, Item | BaseException | None]] = queue.Queue(ahead)
    stopped = threading.Event()

    def put(kind: str, value: Item | BaseException | None = None) -> None:
        placed = False
        while not placed and not stopped.is_set():
            with contextlib.suppress(queue.Full):
                waiting.put((kind, value), timeout=0.1)
                placed = True

    def make() -> None:
        try:
            for item in items:
                put("item", item)
                if stopped.is_set():
                    return
            put("end")
        except BaseException as error:  # raised again where the items are taken
            put("error", error)

    def ready() -> Iterator[Item]:
        while True:
            kind, value = waiting.get()
            if kind == "end":
                return
            if kind == "error":
                raise value  # type: ignore[misc]
            yield value  # type: ignore[misc]

    thread = threading.Thread(target=make, name="prefetching", daemon=True)
    thread.start()
    try:
        yield ready()
    finally:
        stopped.set()
        thread.join()
