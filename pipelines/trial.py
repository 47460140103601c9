"""What a caller wants of the runs that it starts: tags in MLflow from the beginning, callbacks in training."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from contextvars import ContextVar
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras

PRUNED = "pruned"  # the tag of a pruned run

_tags: ContextVar[Mapping[str, str]] = ContextVar("tags", default=MappingProxyType({}))
_callbacks: ContextVar[Sequence[keras.callbacks.Callback]] = ContextVar("callbacks", default=())


class Pruned(Exception):
    """Raised by a callback: others have done better by this epoch, so the run ends here, and is no failure."""


@contextlib.contextmanager
def surrounded(tags: Mapping[str, str], callbacks: Sequence[keras.callbacks.Callback] = ()) -> Iterator[None]:
    """Runs that begin inside the block, in this thread, get these tags and callbacks."""
    tokens = _tags.set(tags), _callbacks.set(callbacks)
    try:
        yield
    finally:
        _tags.reset(tokens[0])
        _callbacks.reset(tokens[1])


def tags() -> Mapping[str, str]:
    """The tags that a run gets if it begins here."""
    return _tags.get()


def callbacks() -> Sequence[keras.callbacks.Callback]:
    """Further callbacks of a run's training, besides those that every run has."""
    return _callbacks.get()
