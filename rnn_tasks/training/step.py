"""One update of a model, on one device or on several."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from rnn_tasks import activity
from rnn_tasks.config import TrainingConfig
from rnn_tasks.training.losses import StepLoss

Batch = dict[str, np.ndarray]
Loss = Callable[[keras.Model, dict[str, tf.Tensor], bool], StepLoss]
CARRIED = "carried"
TrainStep = Callable[[Batch], tuple[tf.Tensor, tf.Tensor]]


def compiled_step(
    model: keras.Model, optimizer: keras.optimizers.Optimizer, loss: Loss, config: TrainingConfig, carried: Any = ()
) -> TrainStep:
    """Make a function batch -> (summed loss, summed weight) that makes one update of `model`.

    XLA compiles it for each batch shape; without XLA, it is traced for each of the first two shapes, then once for all.

    Args:
        model: built where the optimizer was.
        optimizer: from `build_optimizer`.
        loss: (model, batch, training) -> StepLoss; total / weight is minimised. Its batch also has `update`: the number
            of updates so far, a scalar, for schedules and seeds.
        config: `jit_compile` is read.
        carried: variables (rows, …) that keep the loss's `carried` until the next batch, which has their values under
            that name. With several devices, each device gets the values of its rows.
    """
    holders = keras.tree.flatten(carried)

    def backward(batch: dict[str, tf.Tensor]) -> tuple[StepLoss, list[tf.Tensor | None]]:
        if holders and CARRIED not in batch:
            batch = {**batch, CARRIED: keras.tree.map_structure(tf.convert_to_tensor, carried)}
        with tf.GradientTape() as tape:
            part = loss(model, {**batch, "update": tf.convert_to_tensor(optimizer.iterations)}, True)
            objective = optimizer.scale_loss(part.total / tf.maximum(part.weight, 1.0))
        gradients = tape.gradient(objective, model.trainable_weights)
        # An embedding's gradient has one row for each occurrence of a word. Keras would square these rows one by one,
        # in the clipped norm and in Adam's second moment. We want the square of their sum for each word.
        return part, [None if gradient is None else tf.convert_to_tensor(gradient) for gradient in gradients]

    def step(batch: dict[str, tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
        activity.note("compiling")  # this line runs when a graph is traced; TensorFlow or XLA then compiles it
        part, gradients = backward(batch)
        optimizer.apply(gradients, model.trainable_weights)
        for holder, value in zip(holders, keras.tree.flatten(part.carried), strict=True):
            holder.assign(value)
        return part.total, part.weight

    compiled = {"autograph": False, "jit_compile": config.jit_compile, "reduce_retracing": not config.jit_compile}
    if not tf.distribute.has_strategy():
        return tf.function(step, **compiled)
    return _distributed(tf.function(backward, **compiled), model, optimizer, carried)


def _distributed(
    backward: Callable, model: keras.Model, optimizer: keras.optimizers.Optimizer, carried: Any = ()
) -> TrainStep:
    """The same update, with the rows of a batch divided among all devices.

    `backward` computes the gradient of a device's own average. Weighted by the devices' weights, these gradients add up
    to the gradient of the whole batch. XLA compiles only `backward`: devices cannot exchange data inside XLA code.
    """
    strategy = tf.distribute.get_strategy()
    devices, holders = strategy.num_replicas_in_sync, keras.tree.flatten(carried)

    def device_step(batch: dict[str, tf.Tensor], counts: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, list[tf.Tensor]]:
        context, add = tf.distribute.get_replica_context(), tf.distribute.ReduceOp.SUM
        part, gradients = backward(batch)
        total, weight = part.total * counts, part.weight * counts
        share = tf.maximum(weight, counts) / tf.maximum(context.all_reduce(add, weight), 1.0)
        ours = [gradient * (share / devices) for gradient in gradients if gradient is not None]
        whole = iter(context.all_reduce(add, ours))
        optimizer.apply([None if g is None else next(whole) for g in gradients], model.trainable_weights)
        return total, weight, keras.tree.flatten(part.carried)

    @tf.function(autograph=False, reduce_retracing=True)
    def step(batch: Any, counts: Any) -> tuple[tf.Tensor, tf.Tensor, list[Any]]:
        activity.note("compiling")
        *sums, after = strategy.run(device_step, args=(batch, counts))
        total, weight = (strategy.reduce(tf.distribute.ReduceOp.SUM, value, axis=None) for value in sums)
        return total, weight, after

    def deal_and_step(batch: Batch) -> tuple[tf.Tensor, tf.Tensor]:
        rows = len(next(iter(batch.values())))
        given = {**batch, **({CARRIED: keras.tree.map_structure(np.asarray, carried)} if holders else {})}

        def dealt(context: tf.distribute.ValueContext) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
            device = context.replica_id_in_sync_group
            # With fewer rows than devices, a device without a row computes the first row, with a count of 0.
            mine = slice(device, None, devices) if device < rows else slice(1)
            share = keras.tree.map_structure(lambda array: tf.constant(array[mine]), given)
            return share, tf.constant(float(device < rows))

        total, weight, after = step(*strategy.experimental_distribute_values_from_function(dealt))
        for holder, parts in zip(holders, after, strict=True):
            value = np.array(holder)
            for device, part in enumerate(strategy.experimental_local_results(parts)[:rows]):
                value[device::devices] = part.numpy()
            holder.assign(value)
        return total, weight

    return deal_and_step
