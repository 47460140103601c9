"""The devices that one model is trained on: each has a copy of it and computes its share of every batch."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator

import keras
import numpy as np
import tensorflow as tf

from rnn_tasks.config import TrainingConfig
from rnn_tasks.errors import UserError

logger = logging.getLogger(__name__)


def claim_devices(config: TrainingConfig) -> list[str]:
    """The devices that `config` trains on, in the form `CPU:0`; none without a strategy.

    This makes logical CPU devices. TensorFlow can make them only before its first operation in a process. So if other
    code uses TensorFlow before the training, call this first.

    Raises:
        UserError: a device that this machine does not have, or it is too late for logical devices.
    """
    if config.strategy == "none":
        return []
    wanted = config.named_devices()
    _make_cpus(config.devices, 1 + max((int(name[4:]) for name in wanted if name.startswith("CPU:")), default=0))
    here = {kind: [_short(d.name) for d in tf.config.list_logical_devices(kind)] for kind in ("GPU", "CPU")}
    for name in wanted:
        if name not in here[name[:3]]:
            found = ", ".join(here["GPU"] + here["CPU"])
            raise UserError(
                f"training.devices: there is no {name} here; found {found}, and as many logical CPU devices as wanted"
            )
    return wanted or here["GPU"] or here["CPU"]


def _make_cpus(asked: str, count: int) -> None:
    """Make sure that there are at least `count` logical CPU devices."""
    cpu = tf.config.list_physical_devices("CPU")[0]
    configured = len(tf.config.get_logical_device_configuration(cpu) or [cpu])
    if configured >= count:
        return
    try:
        tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * count)
    except RuntimeError:
        raise UserError(
            f"training.devices: {asked} needs {count} logical CPU devices; this process has used TensorFlow with "
            f"{configured} already, which cannot be changed any more: start a new one"
        ) from None


def _short(name: str) -> str:
    return ":".join(name.split(":")[-2:])


@contextlib.contextmanager
def device_scope(config: TrainingConfig) -> Iterator[tf.distribute.Strategy]:
    """Build and train a model inside this block. A single device trains as without a strategy."""
    devices = claim_devices(config)
    if len(devices) > 1:
        logger.info("training on %d devices, each with its share of every batch: %s", len(devices), ", ".join(devices))
        # The default, collectives, is for GPUs. On CPUs a process could not use three devices after two.
        reduction = tf.distribute.ReductionToOneDevice() if devices[0].startswith("CPU") else None
        strategy = tf.distribute.MirroredStrategy(devices, cross_device_ops=reduction)
        with strategy.scope():
            yield strategy
        return
    if devices:
        logger.info("training.strategy=mirrored: %s is the only device, training as without a strategy", devices[0])
    with tf.device(devices[0]) if devices else contextlib.nullcontext():
        yield tf.distribute.get_strategy()


@contextlib.contextmanager
def on_first_device() -> Iterator[None]:
    """Inside the block, use a model of several devices like a model of one device, for validation for example.

    Outside this block and the training step, a mirrored variable stands for all its copies, and many operations do not
    accept that.
    """
    if not tf.distribute.has_strategy():
        yield
        return
    strategy = tf.distribute.get_strategy()
    with tf.device(strategy.extended.worker_devices[0]), tf.distribute.ReplicaContext(strategy, 0):
        yield


def separate_random_states(model: keras.Model) -> None:
    """Let each device draw its own random numbers (dropout masks); without this, all devices draw the same ones.

    The first device keeps its state. A checkpoint holds only this state, so call this function after restoring, too.
    """
    if not tf.distribute.has_strategy():
        return
    for variable in model.variables:
        if variable.path.endswith("seed_generator_state"):  # (2,): a seed, and the number of draws so far
            copies = tf.distribute.get_strategy().experimental_local_results(variable.value)
            seed, draws = np.asarray(variable)
            for number, copy in enumerate(copies):
                copy.assign([seed + (number << 24), draws])
