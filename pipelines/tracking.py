"""What MLflow remembers of a run, and its store; models of the registry are in `model_registry`.

Runs are named by their id everywhere, because MLflow's active run belongs to one thread.
"""

from __future__ import annotations

import contextlib
import functools
import getpass
import json
import time
import urllib.parse
from collections.abc import Iterator, Mapping
from pathlib import Path

import mlflow
from alembic.util import CommandError as AlembicError
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, Run, RunTag
from mlflow.exceptions import MlflowException
from mlflow.utils.file_utils import local_file_uri_to_path
from sqlalchemy.exc import SQLAlchemyError

from pipelines import names, run_description, stores, trial
from pipelines.provenance import (
    LOWER_IS_BETTER,
    data_path,
    digest_of_test,
    flat,
    nearest_preset,
    surroundings,
    title,
)
from pipelines.settings import get_settings
from rnn_tasks import activity
from rnn_tasks.config import TaskConfig
from rnn_tasks.errors import UserError
from rnn_tasks.task import Exported, Prepared, Report, Task, Trained

DESCRIPTION = "mlflow.note.content"
MONITOR, MONITOR_DIRECTION = "monitor", "monitor.better"  # the validation metric that chose a run's epoch
STAGES = ("prepare", "train", "evaluate", "export", "register")
TRAINING_VIEW = {"mlflow.experimentKind": "custom_model_development"}  # in which the MLflow UI opens an experiment
DATASET_DIGEST_LENGTH = 36  # the longest that MLflow's store takes


def client() -> mlflow.MlflowClient:
    """A client of this project's store, which is made at first use."""
    settings = get_settings()
    settings.artifacts.mkdir(parents=True, exist_ok=True)
    stores.make_mlflow_store(settings)
    return _client(settings.mlflow_database, settings.tracking_uri)


@functools.cache
def _client(database: Path, uri: str) -> mlflow.MlflowClient:
    try:
        with activity.doing("opening the MLflow store"):
            return mlflow.MlflowClient(tracking_uri=uri, registry_uri=uri)
    except (MlflowException, SQLAlchemyError, AlembicError) as error:  # of another version, or of another program
        raise UserError(f"{database}: MLflow {mlflow.__version__} cannot use this database ({error})") from None


# ---------------------------------------------------------------------------------------------- the life of a run


def create_run(task: Task, config: TaskConfig, prepared: Prepared) -> str:
    """A new run in the task's experiment, with its config, data and surroundings; returns its id."""
    run = client().create_run(
        experiment_id(task.name),
        run_name=title(task, config, prepared.source),
        tags={
            "task": task.name,
            "preset": nearest_preset(task, config),
            "data": prepared.source,
            **data_path(task, config),
            "competes": str(not config.is_trial),
            "test_digest": digest_of_test(prepared, config),
            "mlflow.source.name": f"rnn-tasks run {task.name}",
            **_user(),
            **surroundings(),
            **trial.tags(),
        },
    )
    run_id = run.info.run_id
    params = flat(config.model_dump(mode="json"))
    client().log_batch(
        run_id, params=[Param(key, names.shortened(str(value), names.PARAM_LENGTH)) for key, value in params.items()]
    )
    dataset = Dataset(
        name=names.shortened(prepared.source, names.DATASET_LENGTH),
        digest=prepared.digest[:DATASET_DIGEST_LENGTH],
        source_type="local",
        source=json.dumps({"uri": prepared.directory.as_uri()}),
        profile=json.dumps(prepared.counts),
    )
    client().log_inputs(run_id, datasets=[DatasetInput(dataset, [InputTag("mlflow.data.context", "train and test")])])
    return run_id


def _user() -> dict[str, str]:
    with contextlib.suppress(KeyError, OSError):  # a container's user may have no name
        return {"mlflow.user": getpass.getuser()}
    return {}


def experiment_id(name: str) -> str:
    """The id of a task's experiment, which is made when it is missing."""
    experiment = client().get_experiment_by_name(name)
    if experiment is None:
        try:
            return client().create_experiment(
                name, artifact_location=(get_settings().artifacts / name).as_uri(), tags=TRAINING_VIEW
            )
        except MlflowException:
            experiment = client().get_experiment_by_name(name)
            if experiment is None:  # no other process has made it, either
                raise
    if experiment.lifecycle_stage != "active":
        raise UserError(f"MLflow experiment {name!r} was deleted; restore it in the MLflow UI")
    return experiment.experiment_id


def is_resumable(run_id: str) -> bool:
    """Whether the run exists and has not finished."""
    try:
        run = client().get_run(run_id)
    except MlflowException:
        return False
    return run.info.status != "FINISHED" and run.info.lifecycle_stage == "active"


def mark_killed(run_id: str) -> None:
    """Mark a run that nobody will resume."""
    client().set_terminated(run_id, status="KILLED")


@contextlib.contextmanager
def recording(run_id: str) -> Iterator[None]:
    """The run is RUNNING inside the block, then FINISHED, FAILED (an error) or KILLED (interrupted or pruned)."""
    client().update_run(run_id, status="RUNNING")
    status = "KILLED"
    try:
        yield
        status = "FINISHED"
    except trial.Pruned:
        raise
    except Exception:
        status = "FAILED"
        raise
    finally:
        client().set_terminated(run_id, status=status)


def log_metrics(run_id: str, metrics: Mapping[str, float], step: int = 0) -> None:
    """Log metrics at a step."""
    now = int(time.time() * 1000)
    client().log_batch(run_id, metrics=[Metric(name, value, now, step) for name, value in metrics.items()])


@contextlib.contextmanager
def system_metrics(run_id: str) -> Iterator[None]:
    """MLflow records what this machine does (CPU, memory, disk, network, GPU) under `system/` during the block."""
    from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor

    monitor = SystemMetricsMonitor(run_id, resume_logging=True, tracking_uri=get_settings().tracking_uri)
    monitor.start()
    try:
        yield
    finally:
        monitor.finish()


def set_tags(run_id: str, tags: Mapping[str, str]) -> None:
    """Set tags of a run."""
    client().log_batch(run_id, tags=[RunTag(key, value) for key, value in tags.items()])


# ------------------------------------------------------------------------------------------ what the stages leave


def log_training(run_id: str, trained: Trained) -> None:
    """Metrics of the best epoch, whose weights are kept, and the history as a file."""
    # One step after the curves, as in Keras autologging: MLflow shows a metric's last step in tables.
    log_metrics(run_id, trained.metrics, step=trained.epochs + 1)
    client().log_artifact(run_id, str(trained.history), "training")


def log_report(run_id: str, report: Report) -> None:
    """Metrics with their baselines, tables, figures and samples; the run's description shows some of them."""
    baselines = {f"baseline/{names.key(m.name)}": m.baseline for m in report.metrics if m.baseline is not None}
    log_metrics(run_id, {**{names.key(m.name): m.value for m in report.metrics}, **baselines})
    set_tags(run_id, {f"note.{names.key(name)}": text for name, text in report.notes.items()})
    set_tags(run_id, {LOWER_IS_BETTER: json.dumps({names.key(m.name): not m.higher_is_better for m in report.metrics})})
    client().log_artifact(run_id, str(report.samples), "samples")
    for table in report.tables.values():
        client().log_artifact(run_id, str(table), "tables")
    for figure in report.figures.values():
        client().log_artifact(run_id, str(figure), "figures")
    if DESCRIPTION not in get_run(run_id).data.tags:  # somebody may have written another one meanwhile
        text = run_description.described(report)
        if main := run_description.main_figure(report):
            address = urllib.parse.urlencode({"path": f"figures/{main.name}", "run_uuid": run_id})
            text += f"\n\n![{main.stem}](get-artifact?{address})"
        set_tags(run_id, {DESCRIPTION: text})


def log_extras(run_id: str, exported: Exported) -> None:
    """The files of the export that people look at: projector files, pages."""
    for extra in exported.extras.values():
        folder = Path("extras") / extra.relative_to(exported.directory).parent
        client().log_artifact(run_id, str(extra), str(folder))


# ------------------------------------------------------------------------------------------------ reading runs back


def get_run(run_id: str) -> Run:
    """A run by its id."""
    return client().get_run(run_id)


def runs_of(task_name: str) -> list[Run]:
    """All runs of a task, newest first, without those that only have children."""
    return [run for run in all_runs(task_name) if "parent_of" not in run.data.tags]


def all_runs(task_name: str) -> list[Run]:
    """Everything in a task's experiment, newest first."""
    experiment = client().get_experiment_by_name(task_name)
    if experiment is None:
        return []
    runs: list[Run] = []
    page: str | None = None
    while page != "":
        found = client().search_runs(
            [experiment.experiment_id], order_by=["attributes.start_time DESC"], page_token=page
        )
        runs += found
        page = found.token or ""
    return runs


def by_epoch(run_id: str, metric: str) -> list[float]:
    """A metric after each epoch, without the value of the best epoch, which is logged again at the end."""
    epochs = {each.step for each in client().get_metric_history(run_id, "loss")}
    return [each.value for each in client().get_metric_history(run_id, metric) if each.step in epochs]


def stage_seconds(run: Run) -> dict[str, float]:
    """How long each stage took, in their order."""
    metrics = run.data.metrics
    # MLflow's charts make a section of what stands before a slash; older runs have a dot.
    found = {stage: metrics.get(f"seconds/{stage}", metrics.get(f"seconds.{stage}")) for stage in STAGES}
    return {stage: seconds for stage, seconds in found.items() if seconds is not None}


def page(run_id: str) -> str:
    """The run's address in the MLflow UI that `make ui` starts."""
    return get_settings().mlflow_page(f"experiments/{get_run(run_id).info.experiment_id}/runs/{run_id}")


def artifact_directory(run: Run) -> Path:
    """Where a run's artifacts lie."""
    return Path(local_file_uri_to_path(run.info.artifact_uri))
