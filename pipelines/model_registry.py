"""A task's models in MLflow's registry: versions, one for each run, and their aliases."""

from __future__ import annotations

import contextlib
import math
import warnings
from collections.abc import Mapping
from pathlib import Path

import mlflow
from mlflow.exceptions import MlflowException
from mlflow.models import Model
from mlflow.utils.file_utils import local_file_uri_to_path

from pipelines import tracking
from pipelines.provenance import competed, requirements
from pipelines.settings import PROJECT
from pipelines.signature import example_of, signature_of
from rnn_tasks.errors import UserError
from rnn_tasks.task import Exported, StageResult, Task

PROMOTION, PINNED = "promotion", "promotion.pinned"
DECISION, REASON = "promotion.decision", "promotion.reason"


class RegisteredModel(StageResult):
    """A version in the registry, and what its run says of it.

    Attributes:
        version: counts the task's models in the order in which their runs finished.
        data: name of the data, or their path as it was given.
        data_path: where they lay, absolute and without links; empty where no path was given, and in older runs.
        test_digest: equal where figures are measured on equal test data and in the same way.
        figure: of the task's primary metric; NaN where the run has none.
        competes: whether it may become champion.
        held_back: whether it could compete, but was kept out by `--promote never`.
        pinned: when the model was promoted whatever its figure, and the newest version at that time; else zeros.
    """

    run_id: str
    version: int
    preset: str
    data: str
    data_path: str
    test_digest: str
    figure: float
    competes: bool
    held_back: bool = False
    pinned: tuple[int, int] = (0, 0)


def register_model(task: Task, task_module: str, run_id: str, exported: Exported) -> str:
    """Store the export as a model that MLflow can serve, as the task's next version; returns the version."""
    # Made here, because `Model.log` would put it into whatever experiment is active in this thread.
    experiment = tracking.get_run(run_id).info.experiment_id
    logged = tracking.client().create_logged_model(experiment, task.name, source_run_id=run_id)
    with warnings.catch_warnings():
        # Not every client can use paths of files as an example, and MLflow warns of a model without one.
        warnings.filterwarnings("ignore", message=".*An input example was not provided")
        info = Model.log(
            artifact_path=None,
            model_id=logged.model_id,
            flavor=mlflow.pyfunc,
            run_id=run_id,
            python_model=str(Path(__file__).with_name("served_model.py")),
            model_config={"task_module": task_module},
            artifacts={"export": exported.directory.as_uri()},  # in a bare path MLflow reads %20 as a space
            code_paths=[str(PROJECT / "rnn_tasks")],
            signature=signature_of(task),
            input_example=example_of(task, exported.directory),
            pip_requirements=requirements(),
        )
    with contextlib.suppress(MlflowException):  # it exists already
        tracking.client().create_registered_model(task.name, description=task.summary)
    version = tracking.client().create_model_version(task.name, info.model_uri, run_id, model_id=info.model_id)
    return str(version.version)


def registered_models(task: Task) -> list[RegisteredModel]:
    """The task's models whose runs were not deleted, newest first."""
    versions: dict[str, int] = {}
    for version in tracking.client().search_model_versions(f"name = '{task.name}'"):
        run_id = str(version.run_id)
        versions[run_id] = max(int(version.version), versions.get(run_id, 0))
    models = [
        RegisteredModel(
            run_id=run.info.run_id,
            version=versions[run.info.run_id],
            preset=run.data.tags["preset"],
            data=run.data.tags["data"],
            data_path=run.data.tags.get("data_path", ""),
            test_digest=run.data.tags["test_digest"],
            figure=run.data.metrics.get(task.primary_metric, math.nan),
            competes=competed(run.data.tags, run.data.params) and run.data.tags.get(PROMOTION) != "never",
            held_back=competed(run.data.tags, run.data.params) and run.data.tags.get(PROMOTION) == "never",
            pinned=_pinned(run.data.tags),
        )
        for run in tracking.runs_of(task.name)
        if run.info.run_id in versions and "test_digest" in run.data.tags
    ]
    return sorted(models, key=lambda model: model.version, reverse=True)


def _pinned(tags: Mapping[str, str]) -> tuple[int, int]:
    when, version = tags.get(PINNED, "0 0").split()
    return int(when), int(version)


def aliases(task_name: str) -> dict[str, str]:
    """Alias -> id of the run whose model has it."""
    client = tracking.client()
    try:
        by_version = client.get_registered_model(task_name).aliases
    except MlflowException:  # nothing is registered yet
        return {}
    return {alias: str(client.get_model_version(task_name, number).run_id) for alias, number in by_version.items()}


def set_alias(task_name: str, alias: str, version: int) -> None:
    """Give an alias to the model, and take it from any other model."""
    tracking.client().set_registered_model_alias(task_name, alias, str(version))


def drop_alias(task_name: str, alias: str) -> None:
    """Remove an alias."""
    tracking.client().delete_registered_model_alias(task_name, alias)


def export_directory(task_name: str, model: RegisteredModel) -> Path:
    """The export that was stored with a model.

    Raises:
        UserError: somebody has deleted it.
    """
    version = tracking.client().get_model_version(task_name, str(model.version))
    logged = tracking.client().get_logged_model(str(version.source).removeprefix("models:/"))
    directory = Path(local_file_uri_to_path(logged.artifact_location)) / "artifacts" / "export"
    if not directory.is_dir():
        raise UserError(f"{directory}: the model of run {model.run_id} was deleted")
    return directory
