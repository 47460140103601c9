"""Runs side by side: the best first, what differs, and where MLflow shows the same."""

from __future__ import annotations

import json
import math
from datetime import datetime
from urllib.parse import unquote

import pytest

from pipelines import comparison, presentation
from pipelines.comparison import RunRow
from rnn_tasks.errors import UserError


def row(name, figure, test="a", lower_is_better=None, **settings):
    metrics = {} if math.isnan(figure) else {"test_accuracy": figure, "test_loss": -figure, "seconds/train": 1.0}
    return RunRow(
        run_id=name,
        started=datetime(2026, 1, 1),
        status="finished",
        preset="quick",
        data="embedded",
        metrics=metrics,
        settings={"data.source": name, "model.quality": "0.5", **settings},
        test_digest=test,
        lower_is_better=lower_is_better or {},
        competes=True,
        aliases=(),
        answers="",
    )


def test_the_best_comes_first_among_those_measured_alike(dummy):
    rows = [
        row("new", 0.5),
        row("other", 0.9, test="b"),
        row("best", 0.7),
        row("none", math.nan),
        row("other2", 0.1, "b"),
    ]
    names = [each.run_id for each in comparison.best_first(dummy, rows, "test_accuracy")]
    assert names == ["best", "new", "none", "other", "other2"]
    names = [each.run_id for each in comparison.best_first(dummy, rows, "test_loss")]
    assert names == ["best", "new", "none", "other", "other2"]  # a loss is the better the lower
    with pytest.raises(UserError, match=r"^--metric bleu: no run of 'dummy' has it; accepted are seconds/train, test_"):
        comparison.best_first(dummy, rows, "bleu")
    assert comparison.best_first(dummy, [], "bleu") == []


def test_what_is_better_is_what_the_report_said_and_of_runs_without_it_what_the_name_says(dummy):
    old = [row("low", 0.2), row("high", 0.8)]
    said = [row("low", 0.2, lower_is_better={"test_loss": False}), row("high", 0.8)]  # a gain, say, so called
    for rows, best in ((old, "high"), (said, "low")):
        assert comparison.best_first(dummy, rows, "test_loss")[0].run_id == best  # the metric is -0.2 and -0.8
    assert comparison.lower_is_better(dummy, old, "seconds/train")
    wrong = [row("one", 0.2, lower_is_better={"test_accuracy": True})]
    assert not comparison.lower_is_better(dummy, wrong, "test_accuracy")  # of the primary metric the task says it


def test_only_settings_that_differ_are_told(dummy, capsys):
    rows = [row("one", 0.5), row("two", 0.5, **{"model.quality": "0.75", "training.epochs": "1", "task_module": "x"})]
    assert comparison.differing(dummy, rows) == ["training.epochs", "model.quality"]
    assert comparison.differing(dummy, rows[:1]) == []
    presentation.show_runs(dummy, rows, "test_accuracy", comparison.differing(dummy, rows), "http://there")
    shown = capsys.readouterr().out.splitlines()
    assert shown[0].split()[5:9] == ["training.epochs", "model.quality", "test_accuracy", "test_loss"]
    assert shown[1].split()[6:] == ["0.5", "0.5", "-0.5"]
    assert shown[2].split()[6:] == ["1", "0.75", "0.5", "-0.5"]
    assert shown[-1] == "look make ui, then http://there"


def test_mlflow_shows_the_same(home, dummy):
    address = comparison.page(dummy, [row("one", 0.5), row("two", 0.6)])
    address = address.removesuffix("&workflowType=machine_learning")
    start, runs, experiments = unquote(address).replace("&experiments=", "?runs=").split("?runs=")
    assert start == "http://127.0.0.1:5000/#/compare-runs"
    assert json.loads(runs) == ["one", "two"]
    assert len(json.loads(experiments)) == 1
