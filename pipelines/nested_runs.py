"""Runs that belong together: a parent in MLflow, and the children that MLflow shows below it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from pipelines import tracking

if TYPE_CHECKING:
    from pipelines.tracking import Run

PARENT = "mlflow.parentRunId"
KIND = "parent_of"  # the tag that tells a parent from the runs of a task


def create_parent(task_name: str, kind: str, name: str, tags: Mapping[str, str]) -> str:
    """A new run that has children and nothing of its own; returns its id."""
    run = tracking.client().create_run(
        tracking.experiment_id(task_name), run_name=name, tags={KIND: kind, **tags, **tracking.surroundings()}
    )
    return run.info.run_id


def adopt(parent: str, run_id: str, tags: Mapping[str, str]) -> None:
    """Make a run the child of another one, with further tags."""
    for key, value in {**tags, PARENT: parent}.items():  # a child once it has all of them
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
