"""Where and in which precision a model is built and trained."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import keras
import tensorflow as tf

from rnn_tasks.config import TrainingConfig


@contextlib.contextmanager
def training_scope(config: TrainingConfig, seed: int) -> Iterator[tf.distribute.Strategy]:
    """Build and fit a model inside this: seeds, dtype policy and distribution strategy are set.

    Args:
        config: `strategy` and `precision` are read.
        seed: for Keras, NumPy and Python; makes initial weights and dropout repeatable.
    """
    policy = keras.config.dtype_policy()
    keras.utils.set_random_seed(seed)
    keras.config.set_dtype_policy(config.precision)
    strategy = tf.distribute.MirroredStrategy(_devices()) if config.strategy == "mirrored" else _no_strategy()
    try:
        with strategy.scope():
            yield strategy
    finally:
        keras.config.set_dtype_policy(policy)


def _devices() -> list[str]:
    kind = "GPU" if tf.config.list_logical_devices("GPU") else "CPU"
    return [device.name for device in tf.config.list_logical_devices(kind)]


def _no_strategy() -> tf.distribute.Strategy:
    return tf.distribute.get_strategy()
