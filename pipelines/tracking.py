"""What MLflow remembers of a run. The only module that talks to MLflow's store.

Runs are named by their id everywhere, because MLflow's active run belongs to one thread.
"""

from __future__ import annotations

import contextlib
import functools
import getpass
import json
import math
import time
import urllib.parse
from collections.abc import Iterator, Mapping
from pathlib import Path

import mlflow
from alembic.util import CommandError as AlembicError
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, Run, RunTag
from mlflow.exceptions import MlflowException
from mlflow.models import Model
from mlflow.utils.file_utils import local_file_uri_to_path
from sqlalchemy.exc import SQLAlchemyError

from pipelines import names, run_description, stores, trial
from pipelines.provenance import (
    LOWER_IS_BETTER,
    competed,
    data_path,
    digest_of_test,
    flat,
    nearest_preset,
    requirements,
    surroundings,
    title,
)
from pipelines.settings import PROJECT, get_settings
from pipelines.signature import example_of, signature_of
from rnn_tasks import activity
from rnn_tasks.config import TaskConfig
from rnn_tasks.errors import UserError
from rnn_tasks.task import Exported, Prepared, Report, StageResult, Task, Trained

DESCRIPTION = "mlflow.note.content"
PROMOTION, PINNED = "promotion", "promotion.pinned"
DECISION, REASON = "promotion.decision", "promotion.reason"
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
            if experiment is None:  # so no other process has made it since
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


# ------------------------------------------------------------------------------------------ what the stages leave


def log_training(run_id: str, trained: Trained) -> None:
    """Metrics of the best epoch, whose weights are kept, and the history as a file."""
    # A step of their own behind the curves, as Keras autologging does: MLflow shows a metric's last step in tables.
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
    """What the export holds for people: projector files, pages."""
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
    """A metric after each epoch, without that of the best one, which stands behind them."""
    epochs = {each.step for each in client().get_metric_history(run_id, "loss")}
    return [each.value for each in client().get_metric_history(run_id, metric) if each.step in epochs]


def stage_seconds(run: Run) -> dict[str, float]:
    """How long each stage took, in their order."""
    metrics = run.data.metrics
    # MLflow's charts have a section of their own for what stands before a slash; older runs have a dot.
    found = {stage: metrics.get(f"seconds/{stage}", metrics.get(f"seconds.{stage}")) for stage in STAGES}
    return {stage: seconds for stage, seconds in found.items() if seconds is not None}


def page(run_id: str) -> str:
    """The run's address in the MLflow UI that `make ui` starts."""
    return get_settings().mlflow_page(f"experiments/{get_run(run_id).info.experiment_id}/runs/{run_id}")


def artifact_directory(run: Run) -> Path:
    """Where a run's artifacts lie."""
    return Path(local_file_uri_to_path(run.info.artifact_uri))


# ------------------------------------------------------------------------------------------------ registered models


class RegisteredModel(StageResult):
    """A version in the registry, and what its run says of it.

    Attributes:
        version: counts the task's models in the order in which their runs finished.
        data: name of the data, or their path as it was given.
        data_path: where they lay, absolute and without links; empty where no path was given, and in older runs.
        test_digest: equal where figures are measured on equal test data and in the same way.
        figure: of the task's primary metric; NaN where the run has none.
        competes: whether it may become champion.
        held_back: whether it could compete, but was not to.
        pinned: of a model that was promoted whatever its figure: when, and the newest version then; else zeros.
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
    logged = client().create_logged_model(get_run(run_id).info.experiment_id, task.name, source_run_id=run_id)
    info = Model.log(
        artifact_path=None,
        model_id=logged.model_id,
        flavor=mlflow.pyfunc,
        run_id=run_id,
        python_model=str(Path(__file__).with_name("served_model.py")),
        model_config={"task_module": task_module},
        artifacts={"export": exported.directory.as_uri()},  # of a bare path MLflow takes %20 for a space
        code_paths=[str(PROJECT / "rnn_tasks")],
        signature=signature_of(task),
        input_example=example_of(task, exported.directory),
        pip_requirements=requirements(),
    )
    with contextlib.suppress(MlflowException):  # it exists already
        client().create_registered_model(task.name, description=task.summary)
    return client().create_model_version(task.name, info.model_uri, run_id, model_id=info.model_id).version


def registered_models(task: Task) -> list[RegisteredModel]:
    """The task's models whose runs were not deleted, the one registered last first."""
    versions: dict[str, int] = {}
    for version in client().search_model_versions(f"name = '{task.name}'"):
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
        for run in runs_of(task.name)
        if run.info.run_id in versions and "test_digest" in run.data.tags
    ]
    return sorted(models, key=lambda model: model.version, reverse=True)


def _pinned(tags: Mapping[str, str]) -> tuple[int, int]:
    when, version = tags.get(PINNED, "0 0").split()
    return int(when), int(version)


def set_tags(run_id: str, tags: Mapping[str, str]) -> None:
    """Set tags of a run."""
    client().log_batch(run_id, tags=[RunTag(key, value) for key, value in tags.items()])


def aliases(task_name: str) -> dict[str, str]:
    """Alias -> id of the run whose model bears it."""
    try:
        by_version = client().get_registered_model(task_name).aliases
    except MlflowException:  # nothing is registered yet
        return {}
    return {alias: str(client().get_model_version(task_name, number).run_id) for alias, number in by_version.items()}


def set_alias(task_name: str, alias: str, version: int) -> None:
    """Let the model bear an alias, and no other model."""
    client().set_registered_model_alias(task_name, alias, str(version))


def drop_alias(task_name: str, alias: str) -> None:
    """Let no model bear an alias."""
    client().delete_registered_model_alias(task_name, alias)


def export_directory(task_name: str, model: RegisteredModel) -> Path:
    """The export that was stored with a model.

    Raises:
        UserError: somebody has deleted it.
    """
    version = client().get_model_version(task_name, str(model.version))
    logged = client().get_logged_model(str(version.source).removeprefix("models:/"))
    directory = Path(local_file_uri_to_path(logged.artifact_location)) / "artifacts" / "export"
    if not directory.is_dir():
        raise UserError(f"{directory}: the model of run {model.run_id} was deleted")
    return directory
