"""The training loop that every task shares: checkpointed, resumable, distributed, with Keras callbacks.

If a run is killed at any moment and started again in the same `work_dir`, it continues with the batch after its last
checkpoint and ends with the same weights as an undisturbed run: batches are a function of (seed, epoch), and a
checkpoint holds everything else that the next update depends on.
"""

from __future__ import annotations

import itertools
import json
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import keras
import tensorflow as tf

from rnn_tasks import activity
from rnn_tasks.config import TrainingConfig
from rnn_tasks.errors import UserError
from rnn_tasks.files import write_whole
from rnn_tasks.task import Trained
from rnn_tasks.training.checkpoint import restore_checkpoint, save_checkpoint, save_weights
from rnn_tasks.training.devices import on_first_device, separate_random_states
from rnn_tasks.training.optimizers import averaged_weights, build_optimizer
from rnn_tasks.training.prefetch import prefetched
from rnn_tasks.training.schedule import Progress, learning_rate
from rnn_tasks.training.step import Batch, Loss, compiled_step


class Batches(Protocol):
    """Training data: every epoch has the same number of batches; their order is a function of the epoch's number."""

    def epoch(self, number: int) -> Iterator[Batch]: ...

    def __len__(self) -> int: ...


@runtime_checkable
class OwnUpdate(Protocol):
    """batch -> (summed loss, summed weight) after an update that has its own variables, such as `RowUpdate`."""

    variables: list[keras.Variable]
    learning_rate: Any

    def __call__(self, batch: Batch) -> tuple[tf.Tensor, tf.Tensor]: ...


@dataclass
class LoopState:
    """The state of the loop, stored as JSON in the checkpoint."""

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
    loss: Loss | OwnUpdate,
    *,
    config: TrainingConfig,
    work_dir: Path,
    validate: Callable[[keras.Model], dict[str, float]],
    monitor: str,
    higher_is_better: bool,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    throughput: str = "train_examples_per_second",
    carried: Any = (),
    counted: Callable[[Batch], float] | None = None,
) -> Trained:
    """Train `model` (built inside `training_scope`) and keep the weights of the best epoch.

    Args:
        model: a built model.
        batches: training data; a batch may be filled up with rows of weight 0.
        loss: (model, batch, training) -> StepLoss; the step minimises total / weight. In training, its batch also has
            `update`: the number of updates so far, a scalar, for schedules and seeds. Or an `OwnUpdate`, which makes
            the updates instead of the config's optimizer.
        config: epochs, optimizer, rate, clipping, averaging, checkpoints.
        work_dir: holds `checkpoint.npz`, `best.npz` and `history.jsonl`; training resumes from these files.
        validate: model -> metrics of the validation split, called after each epoch. If the config asks for averaged
            weights, the model has them in this call, and they are also the weights that are saved.
        monitor: the metric of `validate` that decides which epoch is best.
        higher_is_better: whether a higher `monitor` is better.
        callbacks: Keras callbacks; they may set `model.stop_training`; `monitor` and `higher_is_better` are among their
            `params`.
        throughput: name of the metric that counts `weight` per second (tokens, sequences, …).
        carried: for streams, the states at the start of each epoch: arrays (rows, …), nested in any way. For each
            batch, `batch["carried"]` has the `StepLoss.carried` of the batch before.
        counted: batch -> the amount that `throughput` counts, if that is not `weight`.

    Raises:
        UserError: the loss became infinite or NaN; a checkpoint of another program.
    """
    work_dir.mkdir(parents=True, exist_ok=True)
    checkpoint, best = work_dir / "checkpoint.npz", work_dir / "best.npz"
    optimizer = loss if isinstance(loss, OwnUpdate) else build_optimizer(config, model)
    states = keras.tree.map_structure(lambda array: keras.Variable(array, trainable=False, dtype=array.dtype), carried)
    train_step = loss if isinstance(loss, OwnUpdate) else compiled_step(model, optimizer, loss, config, states)
    variables = [*model.variables, *optimizer.variables, *keras.tree.flatten(states)]
    state = LoopState(**(restore_checkpoint(checkpoint, variables) or {}))
    separate_random_states(model)
    progress = Progress(**state.progress)
    total_steps = min(config.epochs * len(batches), config.max_steps or math.inf)
    known = {"epochs": config.epochs, "steps": len(batches), "monitor": monitor, "higher_is_better": higher_is_better}
    watchers = keras.callbacks.CallbackList(list(callbacks), add_history=False, model=model, **known)
    model.stop_training = False

    def save() -> None:
        state.progress = progress.as_json()
        save_checkpoint(checkpoint, variables, asdict(state))

    def update(batch: Batch) -> None:
        optimizer.learning_rate = learning_rate(
            config, state.step, int(total_steps), progress.plateau_factor, state.epoch
        )
        watchers.on_train_batch_begin(state.batch)
        total, weight = (float(value) for value in train_step(batch))
        if not math.isfinite(total):
            raise UserError(
                f"training.learning_rate: the loss became {total} at update {state.step} with "
                f"{config.learning_rate}; accepted is a rate (or clip_norm) at which it stays finite"
            )
        state.step, state.batch = state.step + 1, state.batch + 1
        state.total, state.weight = state.total + total, state.weight + weight
        amount = float(counted(batch)) if counted else weight
        state.weight_seen += amount
        activity.tell(amount, loss=state.total / max(state.weight, 1.0))
        watchers.on_train_batch_end(state.batch - 1, {"loss": total / max(weight, 1.0)})

    def train_epoch() -> None:
        started = saved = time.monotonic()
        last = min(len(batches), state.batch + int(total_steps) - state.step)
        rest = itertools.islice(_epoch(batches, state.epoch, config.limit_batches), state.batch, last)
        if state.batch == 0:
            for holder, value in zip(keras.tree.flatten(states), keras.tree.flatten(carried), strict=True):
                holder.assign(value)
        with prefetched(rest) as ready:
            for batch in activity.each("batch", ready, last, done=state.batch, speed_unit=unit):
                update(batch)
                if time.monotonic() - saved > 60 * config.checkpoint_minutes:
                    state.seconds, started = state.seconds + time.monotonic() - started, time.monotonic()
                    save()
                    saved = time.monotonic()
        state.seconds += time.monotonic() - started

    watchers.on_train_begin()
    unit = throughput.removeprefix("train_").removesuffix("_per_second").replace("_", " ")
    epochs = math.ceil(total_steps / len(batches))
    for _ in activity.each("epoch", _until_finished(state), epochs, done=state.epoch):
        watchers.on_epoch_begin(state.epoch)
        train_epoch()
        with averaged_weights(model, optimizer, config):
            with activity.doing("validating"), on_first_device():
                measured = validate(model)
            logs = {"loss": state.total / max(state.weight, 1.0), **measured, "learning_rate": _rate(optimizer)}
            if progress.update(logs[monitor], state.epoch, higher_is_better, config):
                save_weights(model, best)
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


def _rate(optimizer: keras.optimizers.Optimizer) -> float:
    return float(keras.ops.convert_to_numpy(optimizer.learning_rate))
