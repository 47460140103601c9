"""What a run on long lags shows besides its scores: cells and lengths side by side, and how far gradients reach."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rnn_tasks import activity, evaluation, plots, training
from rnn_tasks.config import override
from rnn_tasks.dataset import INPUTS, TARGETS, Examples
from rnn_tasks.layers import IRNNCell
from rnn_tasks.shapes.answers import Answering
from rnn_tasks.shapes.beside import Run
from rnn_tasks.shapes.details import Details, Judged
from rnn_tasks.shapes.heads import Head
from rnn_tasks.shapes.lags_config import MemoryConfig
from rnn_tasks.task import Metric, Prepared

if TYPE_CHECKING:
    import keras
    import tensorflow as tf
    from matplotlib.figure import Figure

SEQUENCES = 32
"""Over which gradients are averaged."""
LONGEST = 2_000
"""Steps that gradients are followed through at most: states and gradients of all of them are kept."""

Build = Callable[[MemoryConfig, Prepared], "keras.Model"]


def lags_report(
    runs: Iterable[Run],
    judged: Judged,
    build: Build,
    head: Callable[[Prepared], Head],
    by_step: Callable[[Prepared], bool],
) -> Details:
    """Tables, figures and metrics.

    Args:
        runs: first the run that is reported, then those beside it.
        judged: its answers to the test split.
        build: (config, prepared) -> model.
        head: prepared -> what its outputs mean.
        by_step: prepared -> whether there is an answer a step.
    """
    main, *others = runs = list(runs)
    models, answers = [judged.model], [(judged.answers, judged.targets)]
    for run in others:
        models.append(training.load_weights(build(run.config, run.prepared), run.trained.weights))
        test = Examples(run.prepared.directory / "test")
        answers.append(Answering(models[-1], head(run.prepared), by_step(run.prepared)).judged(test)[1:])
    scores = [
        {score.name: score.value for score in head(run.prepared).scores(*found)}
        for run, found in zip(runs, answers, strict=True)
    ]
    header = ("cell", "length", "solved", "sequences", *(f"test_{name}" for name in scores[0]), "seconds")
    rows = [
        (run.cell, run.length, int(run.solved), run.sequences, *found.values(), round(run.trained.seconds, 1))
        for run, found in zip(runs, scores, strict=True)
    ]
    same_length = [(run, model) for run, model in zip(runs, models, strict=True) if run.length == main.length]
    figures: dict[str, Figure] = {
        "error_by_sequences": plots.error_by_sequences(
            {run.cell: run.errors for run, _ in same_length}, _constant_error(main.prepared, head(main.prepared))
        )
    }
    tables: dict[str, Sequence[Sequence[Any]]] = {"cells": [header, *rows]}
    if main.length <= LONGEST:
        reach = _reach(main, {run.cell: model for run, model in same_length}, build, head)
        lags = np.asarray(judged.test["lags"])
        figures["gradient_reach"] = plots.gradient_reach(reach, (lags.min() - 0.5, lags.max() + 0.5))
        tables["gradient_reach"] = _reach_table(reach)
    if len({run.length for run in runs}) > 1:
        by_cell: dict[str, list[tuple[int, float]]] = {}
        for run, found in zip(runs, scores, strict=True):
            by_cell.setdefault(run.cell, []).append((run.length, found["accuracy"]))
        figures["success_by_length"] = plots.success_by_length(by_cell)
    beside = [(run, found) for run, found in zip(runs, scores, strict=True) if run.length == main.length][1:]
    metrics = [Metric(name=f"test_accuracy_{run.cell}", value=found["accuracy"]) for run, found in beside]
    return Details(metrics=metrics, tables=tables, figures=figures)


def _constant_error(prepared: Prepared, head: Head) -> float:
    """The validation error of the best constant answer."""
    train, val = (np.asarray(Examples(prepared.directory / split)[TARGETS]) for split in ("train", "val"))
    if head.classes:  # with an answer a step, targets have a time axis
        train, val = train.ravel(), val.ravel()
    return next(score.value for score in head.scores(head.trivial(train, len(val)), val) if score.name == "error")


def _reach(
    main: Run, trained: Mapping[str, keras.Model], build: Build, head: Callable[[Prepared], Head]
) -> dict[str, dict[str, np.ndarray]]:
    """Panel -> curve -> gradient norms by distance, before and after training."""
    batch = _of_one_length(Examples(main.prepared.directory / "test"))
    judge = head(main.prepared)
    targets = batch[TARGETS][:, -1] if judge.classes and batch[TARGETS].ndim > 1 else batch[TARGETS]

    def norms(model: keras.Model) -> np.ndarray:
        import tensorflow as tf

        def loss(logits: tf.Tensor) -> tf.Tensor:
            return judge.loss(logits, targets, tf.ones(len(targets))).total

        return evaluation.gradient_by_distance(model, batch[INPUTS], loss)

    with activity.doing("following gradients back in time"):
        return {
            "before training": {name: norms(model) for name, model in _starts(main, build)},
            "after training": {cell: norms(model) for cell, model in trained.items()},
        }


def _starts(main: Run, build: Build) -> Iterator[tuple[str, keras.Model]]:
    """Models of every cell with the starts that matter for it; peepholes start at 0 and change nothing."""
    plain = {"model.recurrent_initializer": "default", "model.memory": 0, "model.forget_bias": 1.0}
    memory = {"model.memory": main.config.model.memory or main.length}
    starts: dict[str, dict[str, Any]] = {
        "lstm": {},
        "lstm, forget bias 0": {"model.forget_bias": 0.0},
        "lstm, chrono": memory,
        "gru": {},
        "gru, chrono": memory,
        "simple_rnn": {},
        "simple_rnn, he_normal": {"model.recurrent_initializer": "he_normal"},
        "irnn": {},
    }
    for name, changes in starts.items():
        cell = name.split(",")[0]
        yield name, build(override(main.config, {**plain, "model.cell": cell, **changes}), main.prepared)
    model = build(override(main.config, {**plain, "model.cell": "irnn"}), main.prepared)
    for layer in model.layers:
        if isinstance(identity := getattr(layer, "cell", None), IRNNCell):
            identity.recurrent_kernel.assign(1.05 * identity.recurrent_kernel)
    yield "irnn, identity × 1.05", model


def _of_one_length(examples: Examples) -> dict[str, np.ndarray]:
    """Up to `SEQUENCES` examples of the commonest length, without padding."""
    lengths = np.asarray(examples["lengths"])
    length = int(np.bincount(lengths).argmax())
    rows = np.flatnonzero(lengths == length)[:SEQUENCES]
    return {INPUTS: np.asarray(examples[INPUTS][rows][:, :length]), TARGETS: np.asarray(examples[TARGETS][rows])}


def _reach_table(panels: Mapping[str, Mapping[str, np.ndarray]]) -> list[Sequence[Any]]:
    curves = {f"{name} {when}": norms for when, found in panels.items() for name, norms in found.items()}
    rows = zip(*curves.values(), strict=True)
    # Significant digits: with 4 decimals, gradients that vanish would all be 0.
    shown = ((distance, *(f"{norm:.4g}" for norm in row)) for distance, row in enumerate(rows))
    return [("steps_before_the_end", *curves), *shown]
