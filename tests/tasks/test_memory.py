"""Long lags: what is special to the task."""

import json

import numpy as np
import pytest

from rnn_tasks import dataset, shapes
from rnn_tasks.config import override
from rnn_tasks.errors import UserError
from rnn_tasks.evaluation import read_table
from rnn_tasks.synthetic import Problem
from rnn_tasks.tasks import memory

TASK = memory.TASK
TINY = TASK.presets["tiny"]


def chain(changes, directory):
    config = override(TINY, changes)
    prepared = TASK.prepare(config, directory / "prepared")
    trained = TASK.train(config, prepared, directory / "train", ())
    report = TASK.evaluate(config, prepared, trained, directory / "evaluated")
    return config, prepared, trained, report


def table(report, name):
    header, rows = read_table(report.tables[name])
    return [dict(zip(header, row, strict=True)) for row in rows]


EASY = {  # solved within seconds
    "data.source": "temporal_order_6a",
    "model.cell": "gru",
    "model.units": 16,
    "training.epochs": 12,
    "training.batch_size": 16,
    "training.epoch_sequences": 128,
    "training.learning_rate": 0.02,
}


@pytest.fixture(scope="module")
def solved(tmp_path_factory):
    """With every other cell, and twice the length, beside it."""
    return chain({**EASY, "beside.cells": "all", "beside.lengths": [20]}, tmp_path_factory.mktemp("solved"))


def test_training_ends_when_validation_holds_it_solved(solved):
    config, _, trained, report = solved
    history = [json.loads(line) for line in trained.history.read_text().splitlines()]
    assert [row["val_accuracy"] >= shapes.SOLVED for row in history] == [False] * (len(history) - 1) + [True]
    assert trained.epochs == len(history) < config.training.epochs
    assert trained.metrics["success_rate"] == 1.0
    assert trained.metrics["sequences_until_solved"] == 128 * len(history)
    metrics = {metric.name: metric for metric in report.metrics}
    assert metrics["test_accuracy"].value > 0.9
    assert metrics["test_accuracy"].baseline == 0.0  # no constant is within 0.3
    assert metrics["test_error"].baseline == pytest.approx(0.75, abs=0.03)
    first, *_ = table(report, "cells")
    assert first["test_accuracy"] == f"{metrics['test_accuracy'].value:.4f}"
    assert first["test_error"] == f"{metrics['test_error'].value:.4f}"


def test_until_solved_can_be_switched_off(tmp_path, solved):
    *_, solved_training, _ = solved
    epochs = solved_training.epochs + 1
    config = override(TINY, {**EASY, "training.until_solved": False, "training.epochs": epochs})
    prepared = TASK.prepare(config, tmp_path / "prepared")
    trained = TASK.train(config, prepared, tmp_path / "train", ())
    assert trained.epochs == epochs
    assert trained.metrics["sequences_until_solved"] == 128 * solved_training.epochs


def test_who_fails_has_seen_all_sequences(tmp_path):
    config = override(TINY, {"training.epoch_sequences": 60, "training.batch_size": 16})
    trained = TASK.train(config, TASK.prepare(config, tmp_path / "prepared"), tmp_path / "train", ())
    assert trained.metrics["success_rate"] == trained.metrics["longest_solved"] == 0.0
    assert trained.metrics["sequences_until_solved"] == 2 * 4 * 16  # whole batches


def test_answers_of_a_solved_problem(solved, tmp_path):
    config, prepared, trained, _ = solved
    exported = TASK.export(config, prepared, trained, tmp_path / "exported")
    lines = ["EdYabdXbdB", "", "EdXabdXbdB"]
    answers = list(TASK.predict(exported.directory, TASK.records.read(lines), TASK.predict_options()))
    assert [answer.split("\t")[0] for answer in answers] == ["S", "", "Q"]
    assert float(answers[0].split("\t")[1]) > 0.7
    asked = TASK.examples(exported.directory)
    assert len(list(TASK.predict(exported.directory, TASK.records.read(asked), None))) == len(asked)
    answered = TASK.predict(exported.directory, TASK.records.read(["EdYabdXbdB", "EdZ"]), None)
    assert next(answered) == answers[0]
    with pytest.raises(UserError, match=r"input, line 2: found 'Z' at place 3; temporal_order_6a accepts a b c d X Y"):
        next(answered)


@pytest.mark.parametrize("source", ["copy", "parity"])
def test_other_problems_are_learned_and_answered(source, tmp_path):
    config = override(TINY, {"data.source": source})
    prepared = TASK.prepare(config, tmp_path / "prepared")
    trained = TASK.train(config, prepared, tmp_path / "train", ())
    exported = TASK.export(config, prepared, trained, tmp_path / "exported")
    problem = Problem(source, 10)
    lines = [*problem.written(problem.draw(3, np.random.default_rng(1)))]
    answers = list(TASK.predict(exported.directory, TASK.records.read(lines), None))
    if source == "parity":
        assert {answer.split("\t")[0] for answer in answers} <= {*problem.classes}
        return
    assert [len(answer) for answer in answers] == [len(line) for line in lines]
    assert {*"".join(answers)} <= {*problem.classes}
    report = TASK.evaluate(config, prepared, trained, tmp_path / "evaluated")
    baselines = {metric.name: metric.baseline for metric in report.metrics}
    assert baselines["test_accuracy"] == pytest.approx(1 / 8, abs=0.08)
    assert baselines["test_loss"] == pytest.approx(10 * np.log(8) / 30, rel=0.05)
    assert {"error_by_sequences", "gradient_reach", "by_lag_from"} <= set(report.figures)


def test_cells_and_lengths_beside_stand_in_one_table(solved):
    _, _, trained, report = solved
    rows = table(report, "cells")
    assert (rows[0]["cell"], rows[0]["length"]) == ("gru", "10")
    assert {row["cell"] for row in rows} == {"lstm", "peephole_lstm", "gru", "simple_rnn", "irnn"}
    for cell in {row["cell"] for row in rows}:
        lengths = [int(row["length"]) for row in rows if row["cell"] == cell]
        solves = [row["solved"] == "1" for row in rows if row["cell"] == cell]
        assert lengths == ([10, 20] if solves[0] else [10])  # the next length only after success
    assert trained.metrics["longest_solved"] == max(
        int(row["length"]) for row in rows if row["cell"] == "gru" and row["solved"] == "1"
    )
    assert {"success_by_length", "error_by_sequences", "gradient_reach"} <= set(report.figures)
    beside = {metric.name: metric.value for metric in report.metrics if metric.name.startswith("test_accuracy_")}
    assert beside == {
        f"test_accuracy_{row['cell']}": pytest.approx(float(row["test_accuracy"]), abs=1e-4)
        for row in rows[1:]
        if row["length"] == "10"
    }


def test_what_stands_beside_is_trained_once(solved):
    config, prepared, trained, _ = solved
    work_dir = trained.weights.parent
    before = {path: path.stat().st_mtime_ns for path in (work_dir / "beside").rglob("*.npz")}
    assert len(before) >= 2 * 5
    assert TASK.train(config, prepared, work_dir, ()).metrics == trained.metrics
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_training_sequences_are_new_in_every_epoch_and_foreign_to_the_splits(tmp_path):
    config = override(TINY, {"data.source": "copy"})
    prepared = TASK.prepare(config, tmp_path)
    stream = memory.batches(config, prepared)
    seen = [bytes(row) for epoch in range(3) for batch in stream.epoch(epoch) for row in batch["inputs"]]
    assert len(set(seen)) == len(seen) == 3 * 64
    fixed = [
        {bytes(np.asarray(row)) for row in dataset.Examples(prepared.directory / split)["inputs"]}
        for split in ("val", "test")
    ]
    assert not (fixed[0] & fixed[1])
    assert not (set(seen) & (fixed[0] | fixed[1]))
    other = memory.batches(override(config, {"seed": 2}), prepared)
    assert bytes(next(other.epoch(0))["inputs"]) != bytes(next(stream.epoch(0))["inputs"])


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"data.source": "adding2"}, "data.source: .*'temporal_order_6a'.*found 'adding2'"),
        ({"data.source": "parity", "data.marked": 5}, r"data: marked: found 5; accepted is 1 to 4, fewer than half"),
        ({"beside.lengths": [30, 20]}, r"lengths: found \[30, 20\]; accepted are rising numbers"),
        ({"beside.lengths": [20, 200_000]}, r"lengths: found \[20, 200000\]; accepted are .* from 10 to 100,000"),
        (
            {"beside.lengths": [100_000], "data.val_sequences": 306},
            "data.val_sequences: found 306 .* accepted are 305",
        ),
        (
            {"data.length": 9_000, "training.batch_size": 9_999},
            "training.batch_size: found 9999 .*; accepted are 3389",
        ),
        ({"beside.lengths": [10]}, r"beside.lengths: found 10; accepted is more than data.length=10"),
    ],
)
def test_impossible_settings_are_one_line(changes, wrong):
    with pytest.raises(UserError, match=wrong):
        override(TINY, changes)


def test_forget_bias_sets_the_forget_gate_alone(tmp_path):
    prepared = TASK.prepare(TINY, tmp_path)
    for cell in ("lstm", "peephole_lstm"):
        changes = {"model.cell": cell, "model.memory": 0}
        usual, open_gate = (
            TASK.build(override(TINY, {**changes, "model.forget_bias": bias}), prepared).layers[-2].cell.bias.numpy()
            for bias in (1.0, 4.0)
        )
        np.testing.assert_array_equal(open_gate - usual, np.repeat([0, 3, 0, 0], 8))


def test_generates_sequences_with_their_answers():
    options = TASK.generate_options(problem="temporal_order_6a", length=30, count=300, seed=4)
    lines = [line.split("\t") for line in TASK.generate(None, options)]
    assert len(lines) == 300
    assert all("QRSU"[["XX", "XY", "YX", "YY"].index("".join(c for c in s if c in "XY"))] == a for s, a in lines)
    assert lines == [line.split("\t") for line in TASK.generate(None, options)]
