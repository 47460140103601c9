"""The runs of a task side by side."""

from __future__ import annotations

from datetime import datetime

from pipelines import tracking, workspace
from pipelines.settings import get_settings
from rnn_tasks.task import StageResult, Task


class RunRow(StageResult):
    """One line of the comparison. `status` is `interrupted` when a process died and nobody has resumed its run."""

    run_id: str
    started: datetime
    status: str
    preset: str
    data: str
    metrics: dict[str, float]
    aliases: tuple[str, ...]


def runs(task: Task) -> list[RunRow]:
    """Every run of `task`, newest first."""
    unfinished = workspace.unfinished_runs(get_settings().unfinished)
    bearers = tracking.aliases(task.name)
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
                aliases=tuple(sorted(alias for alias, bearer in bearers.items() if bearer == run_id)),
            )
        )
    return rows
