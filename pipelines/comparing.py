"""The command `rnn-tasks compare`."""

from __future__ import annotations

from json import dumps
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from pipelines import presentation, store_checks
from pipelines.settings import get_settings
from rnn_tasks.errors import UserError
from rnn_tasks.registry import get_task

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipelines.comparison import RunRow
    from rnn_tasks.task import Task


def compare(
    task: Annotated[str, Parameter(help="A task's name; `rnn-tasks list` shows them.")],
    /,
    *,
    metric: str | None = None,
    last: int = 0,
    json: bool = False,
) -> None:
    """Show a task's runs, the best first: settings that differ, metrics, champions, the model that answers `predict`.

    Figures on other test data stand below those on the newest run's.

    Parameters
    ----------
    metric
        What decides which is best; by default the task's primary metric.
    last
        Only so many runs, the newest ones; 0 is all.
    json
        One JSON line instead of a table.
    """
    declared = get_task(task)
    if last < 0:
        raise UserError(f"--last {last}: accepted is 0 (all) or more")
    store_checks.check(get_settings(), writes=False)
    from pipelines import comparison

    rows = comparison.runs(declared)
    rows = rows[:last] if last else rows
    chosen = metric or declared.primary_metric
    rows = comparison.best_first(declared, rows, chosen)
    differing = comparison.differing(declared, rows)
    address = comparison.page(declared, rows) if rows else ""
    if json:
        lower = comparison.lower_is_better(declared, rows, chosen)
        print(_as_json(declared, rows, chosen, lower, differing, address))
    else:
        presentation.show_runs(declared, rows, chosen, differing, address)


def _as_json(
    task: Task, rows: Sequence[RunRow], metric: str, lower: bool, differing: Sequence[str], address: str
) -> str:
    shown = [
        {
            **row.model_dump(mode="json", exclude={"settings", "lower_is_better"}),
            "differing": {key: row.settings.get(key) for key in differing},
        }
        for row in rows
    ]
    told = {"task": task.name, "metric": metric, "lower_is_better": lower, "differing": differing}
    return dumps({**told, "runs": shown, "page": address})
