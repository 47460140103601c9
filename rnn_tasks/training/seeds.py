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
    """Replaces Python's `random` in Keras: inside `seeded`, it is the generator of that thread."""

    def __getattr__(self, name: str) -> Any:
        return getattr(_own.get(random), name)


@contextlib.contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Inside the block, models get initial weights and dropout that depend only on `seed`.

    Keras draws the seeds of initializers and dropout from Python's `random`, which the whole process shares. Prefect's
    threads, for example, draw their waiting times from it; so a model built at that time would begin with other
    weights. Inside the block, Keras draws from its own generator.

    Args:
        seed: for Keras; the global generators of NumPy, Python and TensorFlow are also set to it.
    """
    keras.utils.set_random_seed(seed)
    if not isinstance(seed_generator.python_random, _OwnOrShared):
        seed_generator.python_random = _OwnOrShared()
    token = _own.set(random.Random(seed))
    try:
        yield
    finally:
        _own.reset(token)
