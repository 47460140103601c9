"""The command `rnn-tasks promote`."""

from __future__ import annotations

from typing import Annotated, Literal

from cyclopts import Parameter

from pipelines import store_checks
from pipelines.settings import get_settings
from rnn_tasks.registry import get_task

Policy = Literal["never", "better", "always"]
"""Whether a run's model becomes champion: when it is better than all others on its data, always, or never."""


def promote(
    task: Annotated[str, Parameter(help="A task's name; `rnn-tasks list` shows them.")],
    run: Annotated[str, Parameter(help="The id of a run, or an alias; `rnn-tasks compare TASK` shows them.")],
    /,
) -> None:
    """Make a run's model the champion on its data, whatever its figure, until a later run's is better.

    Prints the command that takes it back.
    """
    declared = get_task(task)
    store_checks.check(get_settings(), writes=True)
    from pipelines import champions

    model, before = champions.promote(declared, run)
    print(f"champion on {model.data}: {champions.described(declared, model)}")
    if before.run_id != model.run_id:
        print(f"before: {champions.described(declared, before)}")
        print(f"back: rnn-tasks promote {task} {before.run_id}")
