"""How far back does a recurrent network remember? Answers that depend on what stood a long time before.

The adding problem, temporal order, copying and parity, at any lag, for every cell. Sequences to train on are drawn for
each update and never come again; validation, always on the same sequences, says when a problem is solved.

References:
    Hochreiter & Schmidhuber (1997), Long Short-Term Memory, experiments 4 and 6.
    Arjovsky, Shah & Bengio (2016), Unitary Evolution Recurrent Neural Networks, section 4.1.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rnn_tasks import dataset, models, shapes, text, training
from rnn_tasks import export as exporting
from rnn_tasks.config import presets
from rnn_tasks.line_stream import chunks
from rnn_tasks.preparation import prepare_once
from rnn_tasks.records import Line, LineRecords
from rnn_tasks.shapes.config import RecurrentConfig
from rnn_tasks.shapes.lags_config import LagsOptions, MemoryConfig, MemoryTrainingConfig
from rnn_tasks.synthetic import Problem, labelled_sequences
from rnn_tasks.task import Exported, Prepared, Trained

if TYPE_CHECKING:
    import keras

PROBLEM = "problem.json"

PRESETS = presets(
    quick=MemoryConfig(
        model=RecurrentConfig(cell="lstm", units=32, memory=100),
        training=MemoryTrainingConfig(epochs=40, learning_rate=0.01, weight_average=0.99, clip_norm=1.0),
    ),
    full={"data.length": 400, "model.units": 64, "model.memory": 400, "training.epochs": 100, "beside.cells": "all"},
    tiny={
        "data.length": 10,
        "data.val_sequences": 40,
        "data.test_sequences": 40,
        "model.units": 8,
        "model.memory": 10,
        "training.epochs": 2,
        "training.epoch_sequences": 64,
        "training.weight_average": 0.0,
    },
)


def prepare(config: MemoryConfig, work_dir: Path) -> Prepared:
    """Validation and test sequences, and a sample of those to train on."""
    data = config.data
    problem = Problem(data.source, data.length, data.marked)

    def write(directory: Path) -> Mapping[str, int]:
        counts = {"train": data.val_sequences, "val": data.val_sequences, "test": data.test_sequences}
        seeds = {"train": dataset.TRAIN, "val": dataset.VAL, "test": dataset.TEST}
        for name, count in counts.items():
            drawn = problem.draw(count, np.random.default_rng([seeds[name], data.seed]))
            dataset.write_examples(directory / name, **drawn, records=[*problem.shortened(drawn)])
        _write_problem(directory, problem)
        return {**counts, "longest": problem.longest}

    return prepare_once([prepare], data, (), work_dir, write, source=data.source)


def _write_problem(directory: Path, problem: Problem) -> None:
    (directory / PROBLEM).write_text(json.dumps(dataclasses.asdict(problem)), encoding="utf-8")


def problem_in(directory: Path) -> Problem:
    """The problem of prepared data, or of an export."""
    return Problem(**json.loads((directory / PROBLEM).read_text(encoding="utf-8")))


def by_step(prepared: Prepared) -> bool:
    """Whether there is an answer a step."""
    return problem_in(prepared.directory).answers_each_step


def head(prepared: Prepared) -> shapes.NumberWithin | shapes.ClassWithin | shapes.Recalled:
    """The head of the problem: what it answers, and which answers are right."""
    problem = problem_in(prepared.directory)
    if problem.answers_each_step:
        return shapes.Recalled(problem.classes, problem.longest)
    return shapes.ClassWithin((*problem.classes, "undecided")) if problem.classes else shapes.NumberWithin()


def encoder(prepared: Prepared) -> text.CharacterEncoder | None:
    """Strings -> ids; None where pairs of numbers are read."""
    symbols = problem_in(prepared.directory).symbols
    return text.CharacterEncoder(text.Vocabulary.from_pairs([(s, 1) for s in symbols])) if symbols else None


def build(config: MemoryConfig, prepared: Prepared) -> keras.Model:
    """Ids (batch, time), or pairs of numbers (batch, time, 2) and their lengths -> (batch, [time,] outputs)."""
    problem = problem_in(prepared.directory)
    network = models.sequence_to_sequence if problem.answers_each_step else models.sequence_to_vector
    read = {"vocabulary_size": len(text.SPECIAL_TOKENS) + len(problem.symbols)} if problem.symbols else {"features": 2}
    return network(**read, outputs=head(prepared).outputs, seed=config.seed, **config.model.model_dump())


def batches(config: MemoryConfig, prepared: Prepared) -> dataset.FreshBatches:
    """Sequences to train on, drawn when they are needed."""
    size = config.training.batch_size
    count = -(-config.training.epoch_sequences // size)
    return dataset.FreshBatches(problem_in(prepared.directory).draw, size, count, config.seed)


def train_until_solved(
    config: MemoryConfig, prepared: Prepared, work_dir: Path, callbacks: Sequence[keras.callbacks.Callback] = ()
) -> Trained:
    """Train one model until the problem counts as solved on validation."""
    stop = [training.StopAt("val_accuracy", shapes.SOLVED)] if config.training.until_solved else []
    return STAGES.train(config, prepared, work_dir, [*callbacks, *stop])


def train(
    config: MemoryConfig, prepared: Prepared, work_dir: Path, callbacks: Sequence[keras.callbacks.Callback] = ()
) -> Trained:
    """Train this model, then the models beside it, each in its own directory."""
    main = shapes.Run(config, prepared, train_until_solved(config, prepared, work_dir, callbacks))
    runs = shapes.runs_beside(main, work_dir / "beside", prepare, train_until_solved)
    longest = max((run.length for run in runs if run.cell == main.cell and run.solved), default=0)
    metrics = {
        "success_rate": float(main.solved),
        "sequences_until_solved": float(main.sequences),
        "longest_solved": float(longest),
    }
    return main.trained.model_copy(update={"metrics": {**main.trained.metrics, **metrics}})


def details(config: MemoryConfig, prepared: Prepared, judged: shapes.Judged) -> shapes.Details:
    """Accuracy by lag, the cells side by side, and how far gradients reach."""
    main = shapes.Run(config, prepared, judged.trained)
    runs = shapes.runs_beside(main, judged.trained.weights.parent / "beside", prepare, train_until_solved)
    report = shapes.lags_report(runs, judged, build, head, by_step)
    lags, width = judged.test["lags"], max(1, main.length // 10)
    groups = {"lag_from": (width * (lags // width))[judged.example].tolist()}
    epoch = batches(config, prepared)
    return dataclasses.replace(
        report, groups=groups, from_the_end=by_step(prepared), examples_an_epoch=len(epoch) * epoch.batch_size
    )


def export(config: MemoryConfig, prepared: Prepared, trained: Trained, out_dir: Path) -> Exported:
    """The model, and which problem it answers."""
    exported = STAGES.export(config, prepared, trained, out_dir)
    _write_problem(out_dir, problem_in(prepared.directory))
    return exported


def predict(export_dir: Path, records: Iterable[Line], options: Any) -> Iterator[str]:
    """A line a sequence: the number, the class and its probability, or what is copied."""
    served, problem = exporting.load_endpoints(export_dir), problem_in(export_dir)
    lines = shapes.copied_lines if problem.answers_each_step else shapes.answer_lines
    for chunk in chunks(records, shapes.ROWS):
        read, wrong = shapes.read_sequences(problem, chunk)
        asked = [one for one in read if one is not None]
        if asked:
            given = np.array(asked, object) if problem.symbols else dict(shapes.padded_inputs(asked))
            answers = lines(served.serve(given))
        yield from ("" if one is None else next(answers) for one in read)
        if wrong:
            raise wrong


def examples(export_dir: Path) -> Sequence[str]:
    """Sequences of the export's own problem."""
    problem = problem_in(export_dir)
    return [*problem.written(problem.draw(3, np.random.default_rng(1)))]


def generate(_: None, options: LagsOptions) -> Iterator[str]:
    """`sequence<TAB>answer` lines."""
    return labelled_sequences(Problem(options.problem, options.length, options.marked), options.count, options.seed)


STAGES = shapes.sequence_task(
    name="memory",
    shape="sequence to vector",
    steps=by_step,
    summary="How far back does a network remember? Adding, temporal order, copying, parity.",
    config=MemoryConfig,
    presets=PRESETS,
    primary_metric="test_accuracy",
    records=LineRecords(
        good=(
            "-0.7 -1 0.9 0 -0.38 1 -0.15 0 0.66 1 -0.18 0 0.1 0 -0.94 0 0.51 0 0.08 -1",
            "0.2,-1 0.55,1 -0.3,0 0.71,1 0.4,0 0.9,0 -0.25,0 -0.6,0 0.12,0 0.3,0 0.05,-1",
            "0 -1 0.3 0 -0.2 0 0.8 1 -0.9 0 0.1 0 0.6 0 0.4 0 -0.5 0 0.7 -1",
        ),
        bad={
            "0.5 -1 x 1": "'x' is no number",
            "0.5 -1 0.25": "found 3 numbers; accepted are pairs of a value and its marker",
            "0.5 -1 0.25 0.5": "pair 2: found the marker 0.5; accepted are -1, 0 and 1",
        },
    ),
    prepare=prepare,
    build=build,
    head=head,
    encoder=encoder,
    details=details,
    batches=batches,
)
TASK = dataclasses.replace(
    STAGES,
    train=train,
    export=export,
    predict=predict,
    examples=examples,
    generate=generate,
    generate_options=LagsOptions,
    generate_needs_model=False,
)
