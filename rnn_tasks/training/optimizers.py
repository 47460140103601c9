"""The optimizer of a config, and the moving average of the weights."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from rnn_tasks.config import TrainingConfig

KINDS: dict[str, type[keras.optimizers.Optimizer]] = {
    "adam": keras.optimizers.Adam,
    "adamw": keras.optimizers.AdamW,
    "nadam": keras.optimizers.Nadam,
    "rmsprop": keras.optimizers.RMSprop,
    "sgd": keras.optimizers.SGD,
    "adagrad": keras.optimizers.Adagrad,
}


def build_optimizer(config: TrainingConfig, model: keras.Model) -> keras.optimizers.Optimizer:
    """A Keras optimizer with clipping, and with loss scaling in float16, for the current strategy scope.

    Args:
        config: `optimizer`, its options, `clip_norm`, `weight_average` and `precision` are read.
        model: a built model; the optimizer will update its trainable variables.
    """
    # Keras clips each device's gradient before adding them up. The step hands every device the whole gradient divided
    # by their number, so clipping to norm / devices and adding up clips the whole to the norm.
    devices = tf.distribute.get_strategy().num_replicas_in_sync
    options: dict[str, Any] = {"global_clipnorm": config.clip_norm / devices if config.clip_norm else None}
    if config.optimizer == "sgd":
        options["momentum"] = config.momentum
    if config.optimizer == "adamw" and config.weight_decay is not None:
        options["weight_decay"] = config.weight_decay
    if config.weight_average:
        options |= {"use_ema": True, "ema_momentum": config.weight_average}
    optimizer = KINDS[config.optimizer](config.learning_rate, **options)
    if config.precision == "mixed_float16":
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    optimizer.build(model.trainable_variables)
    return optimizer


@contextlib.contextmanager
def averaged_weights(
    model: keras.Model, optimizer: keras.optimizers.Optimizer, config: TrainingConfig
) -> Iterator[None]:
    """Inside the block, the model has the moving average of its weights, if `config` asks for one.

    After each update, the average becomes `weight_average` times the old average plus (1 - `weight_average`) times the
    new weights (Polyak and Juditsky 1992, with exponential weights).
    """
    if not config.weight_average:
        yield
        return
    latest = [np.asarray(variable) for variable in model.trainable_variables]
    optimizer.finalize_variable_values(model.trainable_variables)
    try:
        yield
    finally:
        for variable, value in zip(model.trainable_variables, latest, strict=True):
            variable.assign(value)
