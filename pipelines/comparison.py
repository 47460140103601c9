"""The runs of a task side by side: the settings in which they differ, and their results."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from datetime import datetime
from urllib.parse import quote

from pipelines import champions, model_registry, provenance, tracking, trial, workspace
from pipelines.settings import get_settings
from rnn_tasks.config import dotted_keys
from rnn_tasks.errors import UserError
from rnn_tasks.task import StageResult, Task

_LOWER_IS_BETTER = (  # words in names of metrics that no report had, or no report with directions
    "loss",
    "perplexity",
    "error",
    "mae",
    "mse",
    "rmse",
    "mase",
    "smape",
    "nats",
    "bits",
    "seconds",
    "until",
)


class RunRow(StageResult):
    """One line of the comparison.

    Attributes:
        status: `interrupted` when a process died and nobody has resumed its run, `pruned` when a sweep ended it.
        settings: by dotted key, as MLflow keeps them.
        test_digest: equal where figures are measured on equal test data and in the same way.
        lower_is_better: by metric, as its report said; empty for runs from before this was kept.
        answers: the name that `predict` shows if it answers with this run's model by default; empty for other runs.
    """

    run_id: str
    started: datetime
    status: str
    preset: str
    data: str
    metrics: dict[str, float]
    settings: dict[str, str]
    test_digest: str
    lower_is_better: dict[str, bool]
    competes: bool
    aliases: tuple[str, ...]
    answers: str


def runs(task: Task) -> list[RunRow]:
    """Every run of `task`, newest first."""
    unfinished = workspace.unfinished_runs(get_settings().unfinished)
    bearers = model_registry.aliases(task.name)
    try:
        answering = champions.choose(task)
    except UserError:
        answering = None
    rows = []
    for run in tracking.runs_of(task.name):
        run_id = run.info.run_id
        status = run.info.status.lower()
        going_on = run_id in unfinished and workspace.is_claimed(unfinished[run_id])
        if status in ("running", "killed") and not going_on:
            status = "pruned" if trial.PRUNED in run.data.tags else "interrupted"
        rows.append(
            RunRow(
                run_id=run_id,
                started=datetime.fromtimestamp(run.info.start_time / 1000),
                status=status,
                preset=run.data.tags.get("preset", ""),
                data=run.data.tags.get("data", ""),
                metrics=run.data.metrics,
                settings=run.data.params,
                test_digest=run.data.tags.get("test_digest", ""),
                lower_is_better=provenance.lower_is_better(run.data.tags),
                competes=provenance.competed(run.data.tags, run.data.params),
                aliases=tuple(sorted(alias for alias, bearer in bearers.items() if bearer == run_id)),
                answers=champions.described(task, answering) if answering and answering.run_id == run_id else "",
            )
        )
    return rows


def best_first(task: Task, rows: Sequence[RunRow], metric: str) -> list[RunRow]:
    """Runs on the newest run's test data, then those on other data; each sorted by a figure, runs without it last.

    Raises:
        UserError: no run has this metric.
    """
    known = sorted({name for row in rows for name in row.metrics})
    if rows and metric not in known and metric != task.primary_metric:
        raise UserError(f"--metric {metric}: no run of {task.name!r} has it; accepted are {', '.join(known) or 'none'}")
    tests = list(dict.fromkeys(row.test_digest for row in rows))
    sign = 1 if lower_is_better(task, rows, metric) else -1

    def place(row: RunRow) -> tuple[int, float]:
        figure = sign * row.metrics.get(metric, math.nan)
        return tests.index(row.test_digest), math.inf if math.isnan(figure) else figure

    return sorted(rows, key=place)


def lower_is_better(task: Task, rows: Sequence[RunRow], metric: str) -> bool:
    """Decided by the task for its primary metric, else by the newest run that reported the metric, else by its name."""
    if metric == task.primary_metric:
        return not task.higher_is_better
    reported = (row.lower_is_better[metric] for row in rows if metric in row.lower_is_better)
    return next(reported, any(word in metric for word in _LOWER_IS_BETTER))


def differing(task: Task, rows: Sequence[RunRow]) -> list[str]:
    """The task's settings in which these runs differ, without the source of the data, which is shown by its name."""
    keys = [key for key in dotted_keys(task.config) if key != "data.source"]
    return [key for key in keys if len({row.settings.get(key) for row in rows}) > 1]


def page(task: Task, rows: Sequence[RunRow]) -> str:
    """The address of the same comparison in the MLflow UI that `make ui` starts."""
    experiment = tracking.experiment_id(task.name)
    chosen = quote(json.dumps([row.run_id for row in rows], separators=(",", ":")))
    return get_settings().mlflow_page(f"compare-runs?runs={chosen}&experiments={quote(json.dumps([experiment]))}")
