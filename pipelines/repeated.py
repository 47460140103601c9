"""Something done again and again in a thread of its own, while a block runs."""

from __future__ import annotations

import contextlib
import contextvars
import threading
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def repeated(call: Callable[[], None], every: float, name: str) -> Iterator[None]:
    """Call `call` again and again while the block runs, and no more once it is left.

    Args:
        call: sees the context variables of the block; must not raise.
        every: seconds between two calls, and before the first one.
        name: of the thread.
    """
    ended = threading.Event()

    def repeat() -> None:
        while not ended.wait(every):
            call()

    here = contextvars.copy_context()  # Prefect, for instance, keeps there which server it talks to
    thread = threading.Thread(target=here.run, args=(repeat,), name=name, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
