"""The runs of a task side by side."""

from __future__ import annotations

from datetime import datetime

from pipelines import champions, tracking, workspace
from pipelines.provenance import competed
from pipelines.settings import get_settings
from rnn_tasks.errors import UserError
from rnn_tasks.task import StageResult, Task


class RunRow(StageResult):
    """One line of the comparison.

    Attributes:
        status: `interrupted` when a process died and nobody has resumed its run.
        answers: what `predict` names when it answers with this run's model unasked; empty for the other runs.
    """

    run_id: str
    started: datetime
    status: str
    preset: str
    data: str
    metrics: dict[str, float]
    competes: bool
    aliases: tuple[str, ...]
    answers: str


def runs(task: Task) -> list[RunRow]:
    """Every run of `task`, newest first."""
    unfinished = workspace.unfinished_runs(get_settings().unfinished)
    bearers = tracking.aliases(task.name)
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
            status = "interrupted"
        rows.append(
            RunRow(
                run_id=run_id,
                started=datetime.fromtimestamp(run.info.start_time / 1000),
                status=status,
                preset=run.data.tags.get("preset", ""),
                data=run.data.tags.get("data", ""),
                metrics=run.data.metrics,
                competes=competed(run.data.tags, run.data.params),
                aliases=tuple(sorted(alias for alias, bearer in bearers.items() if bearer == run_id)),
                answers=champions.described(task, answering) if answering and answering.run_id == run_id else "",
            )
        )
    return rows
