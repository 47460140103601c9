"""Seeds that no other thread can change."""

from __future__ import annotations

import contextlib
import contextvars
import random
from collections.abc import Iterator
from typing import Any

import keras
from keras.src.random import seed_generator

_own: contextvars.ContextVar[random.Random] = contextvars.ContextVar("own")


class _OwnOrShared:
    """Python's `random` for Keras: inside `seeded`, the generator of that thread."""

    def __getattr__(self, name: str) -> Any:
        return getattr(_own.get(random), name)


@contextlib.contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Make initial weights and dropout of what is built inside a function of `seed`.

    Keras draws the seeds of initializers and dropout from Python's `random`. The whole process shares that: Prefect's
    threads, say, draw their waiting times from it, and a model built meanwhile began with other weights. Inside this,
    Keras draws from a generator of its own.

    Args:
        seed: for Keras; NumPy's, Python's and TensorFlow's global generators are set to it, too.
    """
    keras.utils.set_random_seed(seed)
    if not isinstance(seed_generator.python_random, _OwnOrShared):
        seed_generator.python_random = _OwnOrShared()
    token = _own.set(random.Random(seed))
    try:
        yield
    finally:
        _own.reset(token)
