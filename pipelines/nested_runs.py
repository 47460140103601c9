"""Runs that belong together: a parent in MLflow, and the children that MLflow shows below it."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from pipelines import tracking, workspace
from pipelines.settings import get_settings

if TYPE_CHECKING:
    from pipelines.tracking import Run

PARENT = "mlflow.parentRunId"
KIND = "parent_of"  # the tag that tells a parent from the runs of a task


@contextlib.contextmanager
def parent(
    task_name: str,
    kind: str,
    command: str,
    key: str,
    tags: Mapping[str, str],
    *,
    is_whole: Callable[[str], bool],
    fresh: bool,
) -> Iterator[str]:
    """Yield the id of a parent that was interrupted or lacks children, or of a new one; it is RUNNING in the block.

    Args:
        kind: of the parent, such as "recipe".
        command: the command that starts it, without `rnn-tasks`; it becomes the parent's name.
        key: equal if the same work is done.
        tags: further ones.
        is_whole: a parent's id -> whether it has all wanted children.
        fresh: make a new one in any case.

    Raises:
        UserError: another process does the same.
    """
    # Without the lock, two processes would share a parent and run every child twice.
    with workspace.claimed(get_settings().unfinished / f"{kind}-{key[:16]}"):
        keyed = {f"{kind}_key": key}
        newest, *_ = (() if fresh else parents_of(task_name, kind, keyed)) or (None,)
        if newest and not (newest.info.status == "FINISHED" and is_whole(newest.info.run_id)):
            run_id = newest.info.run_id
        else:
            named = {KIND: kind, **keyed, "mlflow.source.name": f"rnn-tasks {command}", **tags}
            run = tracking.client().create_run(
                tracking.experiment_id(task_name), run_name=command, tags={**named, **tracking.surroundings()}
            )
            run_id = run.info.run_id
        with tracking.recording(run_id):
            yield run_id


def adopt(parent: str, run_id: str, tags: Mapping[str, str]) -> None:
    """Make a run the child of another one, with further tags."""
    for key, value in {**tags, PARENT: parent}.items():  # `PARENT` is last: a child has all its tags
        tracking.client().set_tag(run_id, key, value)


def parents_of(task_name: str, kind: str, tags: Mapping[str, str]) -> list[Run]:
    """The parents of a kind that have these tags, newest first."""
    return _with_tags(task_name, {KIND: kind, **tags})


def children_of(task_name: str, parent: str) -> list[Run]:
    """The runs below a parent, newest first."""
    return _with_tags(task_name, {PARENT: parent})


def _with_tags(task_name: str, tags: Mapping[str, str]) -> list[Run]:
    return [run for run in tracking.all_runs(task_name) if tags.items() <= run.data.tags.items()]


def data_counts(run: Run) -> dict[str, int]:
    """What a run's preparation counted: the sizes of its splits."""
    data = run.inputs.dataset_inputs if run.inputs else []
    return json.loads(data[0].dataset.profile or "{}") if data else {}
