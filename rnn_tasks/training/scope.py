"""The devices, precision and seeds with which a model is built and trained."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import keras
import tensorflow as tf

from rnn_tasks.config import TrainingConfig
from rnn_tasks.training.devices import device_scope
from rnn_tasks.training.seeds import seeded


@contextlib.contextmanager
def training_scope(config: TrainingConfig, seed: int) -> Iterator[tf.distribute.Strategy]:
    """Build and fit a model inside this block: it sets seeds, dtype policy and devices.

    Args:
        config: `strategy`, `devices` and `precision` are read.
        seed: for Keras, NumPy and Python; makes initial weights and dropout repeatable.

    Raises:
        UserError: a device that does not exist.
    """
    policy = keras.config.dtype_policy()
    with device_scope(config) as strategy, seeded(seed):
        keras.config.set_dtype_policy(config.precision)
        try:
            yield strategy
        finally:
            keras.config.set_dtype_policy(policy)
