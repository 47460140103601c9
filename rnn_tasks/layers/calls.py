"""What belongs to one call of a layer: the memory that it attends to, the dropout masks of its sequence.

A layer is shared: a server calls it from several threads, and functions over it are traced at the same time. What one
call left on the layer, another would find. So it is kept beside the layer, in a context variable, where each thread
and each asyncio task finds its own.
"""

from __future__ import annotations

import contextlib
import contextvars
import threading
from collections.abc import Iterable, Iterator
from typing import Any
from weakref import WeakKeyDictionary

# Never changed, only replaced: a context that began as a copy of this one has the same object.
_kept: contextvars.ContextVar[WeakKeyDictionary | None] = contextvars.ContextVar("kept", default=None)
_building = threading.RLock()


def kept(layer: Any) -> Any:
    """What the call that is going on keeps for `layer`; None for nothing."""
    everything = _kept.get()
    return None if everything is None else everything.get(layer)


def keep(layer: Any, value: Any) -> None:
    """Keep something for `layer` until other code of this thread says otherwise; None keeps nothing any more."""
    everything = WeakKeyDictionary(_kept.get())
    everything.pop(layer, None)
    if value is not None:
        everything[layer] = value
    _kept.set(everything)


@contextlib.contextmanager
def restored(layers: Iterable[Any]) -> Iterator[None]:
    """After this, what is kept for `layers` is again what was kept before."""
    before = [(layer, kept(layer)) for layer in layers]
    try:
        yield
    finally:
        for layer, value in before:
            if kept(layer) is not value:
                keep(layer, value)


class BuiltOnce:
    """Mixed into a layer: threads that call it for the first time at once make its weights once."""

    def _maybe_build(self: Any, call_spec):  # not public, but where Keras builds a layer that is called
        if not self.built:
            with _building:
                super()._maybe_build(call_spec)  # type: ignore[misc]  # which class is next, only the layer says
