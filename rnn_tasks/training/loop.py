"""The training loop that every task shares: checkpointed, resumable, distributed, with Keras callbacks.

A run killed at any moment and started again in the same `work_dir` goes on with the very next batch and ends
with the weights an undisturbed run ends with: batches are a function of (seed, epoch), and a checkpoint holds
everything else that the next update depends on.
"""

from __future__ import annotations

import itertools
import json
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

import keras
import numpy as np
import tensorflow as tf

from rnn_tasks import activity
from rnn_tasks.config import TrainingConfig
from rnn_tasks.errors import UserError
from rnn_tasks.files import write_whole
from rnn_tasks.task import Trained
from rnn_tasks.training.checkpoint import restore_checkpoint, save_checkpoint, save_weights
from rnn_tasks.training.losses import StepLoss
from rnn_tasks.training.schedule import Progress, learning_rate

Batch = dict[str, np.ndarray]
Loss = Callable[[keras.Model, dict[str, tf.Tensor], bool], StepLoss]


class Batches(Protocol):
    """Training data: the same number of batches every epoch, their order a function of the epoch's number."""

    def epoch(self, number: int) -> Iterator[Batch]: ...

    def __len__(self) -> int: ...


@dataclass
class LoopState:
    """Where the loop stands, as JSON in the checkpoint."""

    epoch: int = 0
    batch: int = 0
    step: int = 0
    total: float = 0.0
    weight: float = 0.0
    seconds: float = 0.0
    weight_seen: float = 0.0
    finished: bool = False
    history: list[dict[str, float]] = field(default_factory=list)
    progress: dict[str, Any] = field(default_factory=dict)


def fit(
    model: keras.Model,
    batches: Batches,
    loss: Loss,
    *,
    config: TrainingConfig,
    work_dir: Path,
    validate: Callable[[keras.Model], dict[str, float]],
    monitor: str,
    higher_is_better: bool,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    throughput: str = "train_examples_per_second",
) -> Trained:
    """Train `model` (built inside `training_scope`) and keep the weights of the best epoch.

    Args:
        model: a built model.
        batches: training data; rows of weight 0 may fill a batch up.
        loss: (model, batch, training) -> StepLoss; the step minimises total / weight.
        config: epochs, rate, clipping, checkpoints.
        work_dir: holds `checkpoint.npz`, `best.npz` and `history.jsonl`; training resumes from what is there.
        validate: model -> metrics of the validation split, called after each epoch.
        monitor: the metric of `validate` that decides which epoch is best.
        higher_is_better: its direction.
        callbacks: Keras callbacks; they may set `model.stop_training`.
        throughput: name of the metric that counts `weight` a second (tokens, sequences, …).

    Raises:
        UserError: the loss stopped being a number.
    """
    work_dir.mkdir(parents=True, exist_ok=True)
    checkpoint, best = work_dir / "checkpoint.npz", work_dir / "best.npz"
    optimizer = _optimizer(config, model)
    train_step = _compiled_step(model, optimizer, loss, config)
    state = LoopState(**(restore_checkpoint(checkpoint, model, optimizer) or {}))
    progress = Progress(**state.progress)
    total_steps = min(config.epochs * len(batches), config.max_steps or math.inf)
    watchers = keras.callbacks.CallbackList(list(callbacks), add_history=False, model=model)
    model.stop_training = False

    def save() -> None:
        state.progress = progress.as_json()
        save_checkpoint(checkpoint, model, optimizer, asdict(state))

    watchers.on_train_begin()
    counted = throughput.removeprefix("train_").removesuffix("_per_second").replace("_", " ")
    epochs = math.ceil(total_steps / len(batches))
    for _ in activity.each("epoch", _until_finished(state), epochs, done=state.epoch):
        watchers.on_epoch_begin(state.epoch)
        started = saved = time.monotonic()
        rest = itertools.islice(_epoch(batches, state.epoch, config.limit_batches), state.batch, None)
        last = min(len(batches), state.batch + int(total_steps) - state.step)
        for batch in activity.each("batch", rest, last, done=state.batch, speed_unit=counted):
            if state.step >= total_steps:
                break
            optimizer.learning_rate = learning_rate(config, state.step, int(total_steps), progress.plateau_factor)
            watchers.on_train_batch_begin(state.batch)
            total, weight = (float(value) for value in train_step(batch))
            if not math.isfinite(total):
                raise UserError(
                    f"training.learning_rate: the loss became {total} at update {state.step} with "
                    f"{config.learning_rate}; accepted is a rate (or clip_norm) at which it stays finite"
                )
            state.step, state.batch = state.step + 1, state.batch + 1
            state.total, state.weight = state.total + total, state.weight + weight
            activity.tell(weight, loss=state.total / max(state.weight, 1.0))
            watchers.on_train_batch_end(state.batch - 1, {"loss": total / max(weight, 1.0)})
            if time.monotonic() - saved > 60 * config.checkpoint_minutes:
                state.seconds, started = state.seconds + time.monotonic() - started, time.monotonic()
                save()
                saved = time.monotonic()
        state.seconds += time.monotonic() - started

        with activity.doing("validating"):
            measured = validate(model)
        logs = {"loss": state.total / max(state.weight, 1.0), **measured, "learning_rate": _rate(optimizer)}
        if progress.update(logs[monitor], state.epoch, higher_is_better, config):
            save_weights(model, best)
        state.weight_seen += state.weight
        state.history.append({"epoch": state.epoch + 1, "step": state.step, "seconds": round(state.seconds, 3), **logs})
        watchers.on_epoch_end(state.epoch, logs)
        state.epoch, state.batch, state.total, state.weight = state.epoch + 1, 0, 0.0, 0.0
        state.finished = (
            state.epoch >= config.epochs
            or state.step >= total_steps
            or progress.should_stop(config)
            or bool(model.stop_training)
        )
        save()
        write_whole(work_dir / "history.jsonl", "".join(json.dumps(row) + "\n" for row in state.history))
    watchers.on_train_end()
    best_row = state.history[progress.best_epoch]
    return Trained(
        weights=best,
        history=work_dir / "history.jsonl",
        epochs=state.epoch,
        steps=state.step,
        seconds=state.seconds,
        metrics={
            **{name: best_row[name] for name in best_row if name.startswith("val_")},
            throughput: state.weight_seen / max(state.seconds, 1e-9),
        },
    )


def _until_finished(state: LoopState) -> Iterator[int]:
    while not state.finished:
        yield state.epoch


def _epoch(batches: Batches, number: int, limit: int) -> Iterator[Batch]:
    if not limit:
        return batches.epoch(number)
    few = list(itertools.islice(batches.epoch(0), limit))
    return itertools.islice(itertools.cycle(few), len(batches))


def _optimizer(config: TrainingConfig, model: keras.Model) -> keras.optimizers.Optimizer:
    # Keras clips each replica's gradient before adding them up. The step below hands every replica the whole
    # gradient divided by their number, so clipping to norm / replicas and adding up clips the whole to the norm.
    replicas = tf.distribute.get_strategy().num_replicas_in_sync
    optimizer = keras.optimizers.Adam(
        config.learning_rate, global_clipnorm=config.clip_norm / replicas if config.clip_norm else None
    )
    if config.precision == "mixed_float16":
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    optimizer.build(model.trainable_variables)
    return optimizer


def _rate(optimizer: keras.optimizers.Optimizer) -> float:
    return float(keras.ops.convert_to_numpy(optimizer.learning_rate))


def _compiled_step(
    model: keras.Model, optimizer: keras.optimizers.Optimizer, loss: Loss, config: TrainingConfig
) -> Callable[[Batch], tuple[tf.Tensor, tf.Tensor]]:
    """batch -> (summed loss, summed weight) after one update.

    XLA compiles it once a batch shape; a graph is traced for the first two shapes, then once for all.
    """
    strategy = tf.distribute.get_strategy()
    replicas = strategy.num_replicas_in_sync

    def replica_step(batch: dict[str, tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
        activity.note("compiling")  # this is run when a graph is traced, which TensorFlow or XLA compiles then
        context = tf.distribute.get_replica_context()
        with tf.GradientTape() as tape:
            part = loss(model, batch, True)
            weight = context.all_reduce(tf.distribute.ReduceOp.SUM, part.weight) if replicas > 1 else part.weight
            objective = optimizer.scale_loss(part.total / tf.maximum(weight, 1.0))
        gradients = tape.gradient(objective, model.trainable_weights)
        if replicas > 1:
            summed = context.all_reduce(tf.distribute.ReduceOp.SUM, [tf.convert_to_tensor(g) for g in gradients])
            gradients = [gradient / replicas for gradient in summed]
        optimizer.apply(gradients, model.trainable_weights)
        return part.total, part.weight

    if replicas == 1:
        return tf.function(replica_step, jit_compile=config.jit_compile, reduce_retracing=not config.jit_compile)

    @tf.function(reduce_retracing=True)
    def distributed(per_replica: Any) -> tuple[tf.Tensor, tf.Tensor]:
        results = strategy.run(replica_step, args=(per_replica,))
        return tuple(strategy.reduce(tf.distribute.ReduceOp.SUM, value, axis=None) for value in results)

    def split_and_run(batch: Batch) -> tuple[tf.Tensor, tf.Tensor]:
        def part(context: tf.distribute.ValueContext) -> dict[str, tf.Tensor]:
            rows = slice(context.replica_id_in_sync_group, None, replicas)
            return {name: tf.constant(array[rows]) for name, array in batch.items()}

        return distributed(strategy.experimental_distribute_values_from_function(part))

    return split_and_run
