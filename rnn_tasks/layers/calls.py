"""The data of one call of a layer: the memory that it attends to, the dropout masks of its sequence.

A layer is shared: a server calls it from several threads, and functions that use it are traced at the same time. If a
call stored its data on the layer, another call would find them. So a context variable holds these data. Each thread and
each asyncio task has its own.
"""

from __future__ import annotations

import contextlib
import contextvars
import threading
from collections.abc import Iterable, Iterator
from typing import Any
from weakref import WeakKeyDictionary

# The dictionary is never changed, only replaced: a copy of this context holds the same object.
_kept: contextvars.ContextVar[WeakKeyDictionary | None] = contextvars.ContextVar("kept", default=None)
_building = threading.RLock()


def kept(layer: Any) -> Any:
    """The value that the current call keeps for `layer`; None if there is none."""
    everything = _kept.get()
    return None if everything is None else everything.get(layer)


def keep(layer: Any, value: Any) -> None:
    """Keep a value for `layer` until other code of this thread replaces it; None removes it."""
    everything = WeakKeyDictionary(_kept.get())
    everything.pop(layer, None)
    if value is not None:
        everything[layer] = value
    _kept.set(everything)


@contextlib.contextmanager
def restored(layers: Iterable[Any]) -> Iterator[None]:
    """After the block, the values kept for `layers` are those from before the block."""
    before = [(layer, kept(layer)) for layer in layers]
    try:
        yield
    finally:
        for layer, value in before:
            if kept(layer) is not value:
                keep(layer, value)


class BuiltOnce:
    """Mixed into a layer: its weights are made once, even if several threads make the first call at the same time."""

    def _maybe_build(self: Any, call_spec):  # not public, but Keras builds a layer here when it is called
        if not self.built:
            with _building:
                super()._maybe_build(call_spec)  # type: ignore[misc]  # the next class depends on the layer
