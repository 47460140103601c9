"""The report on answers: metrics and baselines by hand, the worst first among the samples."""

import json

import numpy as np
import pytest
from matplotlib.figure import Figure

from rnn_tasks import evaluation, plots
from rnn_tasks.dataset import Examples, write_examples
from rnn_tasks.shapes import Details, Judged, OneOf
from rnn_tasks.shapes.report import answers_report
from rnn_tasks.task import Trained


@pytest.fixture
def trained(tmp_path):
    history = tmp_path / "history.jsonl"
    history.write_text("".join(json.dumps({"epoch": i, "loss": 1 / i, "val_loss": 1.0}) + "\n" for i in (1, 2)))
    return Trained(weights=tmp_path / "w", history=history, epochs=2, steps=2, seconds=1, metrics={})


def split(prefix, **fields):
    write_examples(prefix, **fields)
    return Examples(prefix)


def test_one_answer_an_example(tmp_path, trained, monkeypatch):
    train = split(tmp_path / "train", inputs=np.zeros(4), targets=np.array([1, 1, 1, 0]))
    test = split(
        tmp_path / "test", inputs=np.zeros(4), targets=np.array([0, 1, 1, 2]), records=["one", "two", "three", "four"]
    )
    probabilities = np.array([[0.1, 0.9, 0], [0.2, 0.7, 0.1], [0.5, 0.4, 0.1], [0.3, 0.3, 0.4]])
    head = OneOf(("a", "b", "c"))
    answers = {"probabilities": probabilities}
    judged = Judged(
        train, test, np.arange(4), test["targets"], answers, head.decided(answers), model=None, trained=trained
    )
    details = Details(groups={"side": ["l", "l", "r", "r"]}, metrics_of="side", baselines={"last": np.array([2] * 4)})
    seen = []
    monkeypatch.setattr(plots, "learning_curves", lambda history, examples: seen.append(examples) or Figure())
    answers_report(head, judged, Details(examples_an_epoch=100), tmp_path / "fresh")
    report = answers_report(head, judged, details, tmp_path / "out")
    assert seen == [100, 4]
    metrics = {metric.name: (metric.value, metric.baseline) for metric in report.metrics}
    assert metrics == {
        "test_accuracy": (0.5, 0.5),
        "test_loss": (
            pytest.approx(-np.log(0.1 * 0.7 * 0.4 * 0.4) / 4),
            pytest.approx(-np.log(0.25 * 0.75 * 0.75 * 1e-7) / 4),
        ),
        "test_last_accuracy": (0.25, None),
        "test_accuracy_l": (0.5, 0.0),
        "test_accuracy_r": (0.5, 0.5),
    }
    header, rows = evaluation.read_table(report.samples)
    assert header == ["record", "target", "answer", "side", "probability of the target"]
    assert rows[0] == ["one", "a", "b", "l", "0.1000"]
    assert [row[0] for row in rows] == ["one", "three", "four", "two"]
    assert evaluation.read_table(report.tables["by_side"]) == (
        ["side", "answers", "accuracy", "last accuracy"],
        [["l", "2", "0.5000", "0.0000"], ["r", "2", "0.5000", "0.5000"]],
    )
    assert set(report.figures) == {"learning_curves", "by_side", "confusion"}


def test_an_answer_a_step(tmp_path, trained):
    train = split(tmp_path / "train", inputs=[np.zeros(3)], targets=[np.array([0, 1, 1])])
    test = split(tmp_path / "test", inputs=[np.zeros(1), np.zeros(2)], targets=[np.array([1]), np.array([1, 0])])
    head = OneOf(("a", "b"))
    answers = {"probabilities": np.array([[0.4, 0.6], [0.3, 0.7], [0.9, 0.1]])}
    judged = Judged(
        train,
        test,
        np.array([0, 1, 1]),
        np.array([1, 1, 0]),
        answers,
        head.decided(answers),
        model=None,
        trained=trained,
    )
    report = answers_report(head, judged, Details(groups={"step": [0, 0, 1]}), tmp_path / "out")
    accuracy, _ = report.metrics
    assert (accuracy.value, accuracy.baseline) == (1.0, pytest.approx(2 / 3))
    header, rows = evaluation.read_table(report.samples)
    assert header == ["record", "target", "answer", "probability of the target"]
    assert rows == [["test example 1", "b", "b", "0.6000"], ["test example 2", "b a", "b a", "0.8000"]]


@pytest.mark.parametrize(("from_the_end", "shown"), [(False, "a" * 20), (True, "a" * 19 + "b")])
def test_of_long_answers_the_first_or_the_last_steps_are_shown(tmp_path, trained, from_the_end, shown):
    targets = np.array([0] * 29 + [1])
    train, test = (split(tmp_path / name, inputs=[np.zeros(30)], targets=[targets]) for name in ("train", "test"))
    answers = {"probabilities": np.eye(2)[targets]}
    judged = Judged(train, test, np.zeros(30, int), targets, answers, targets, None, trained)
    details = Details(from_the_end=from_the_end)
    _, rows = evaluation.read_table(answers_report(OneOf(("a", "b")), judged, details, tmp_path / "out").samples)
    assert rows[0][1:3] == [" ".join(shown)] * 2
