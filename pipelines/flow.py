"""The chain that every task goes through: prepare, train, evaluate, export, register.

Each stage is a Prefect task. Stages hand each other paths, digests and numbers, which Prefect stores as JSON.
Prefect finds the result of `prepare` again by the content of what it reads, and the results of later stages by the
MLflow run that they belong to. So a run that was killed and started again goes on where it stopped.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import shutil
import time
import urllib.error
from collections.abc import Callable
from pathlib import Path
from typing import Any

from prefect import task as prefect_task
from prefect.artifacts import create_link_artifact, create_markdown_artifact
from prefect.client.schemas.objects import State, TaskRun
from prefect.runtime import flow_run

from pipelines import (
    champions,
    crashes,
    model_registry,
    progress_artifact,
    run_description,
    starting_vectors,
    tracking,
    trial,
    workspace,
)
from pipelines.promoting import Policy
from pipelines.settings import get_settings
from rnn_tasks import activity, training
from rnn_tasks.code import package_digest
from rnn_tasks.config import TaskConfig
from rnn_tasks.errors import UserError
from rnn_tasks.files import file_digest, json_digest
from rnn_tasks.locks import alone
from rnn_tasks.registry import TASK_MODULES, get_task
from rnn_tasks.task import Exported, Prepared, Report, StageResult, Task, Trained

logger = logging.getLogger(__name__)


class Outcome(StageResult):
    """What a finished run tells its caller.

    Attributes:
        metrics: of training and of the test split, by name.
        baseline: the trivial method's values, by name of the metric.
        model_uri: `models:/<task>/<version>`.
        artifact_dir: figures, tables and samples.
        seconds: by stage.
        champion: whether the model became champion and why, as a sentence for people.
    """

    task: str
    run_id: str
    status: str
    metrics: dict[str, float]
    baseline: dict[str, float]
    model_uri: str
    artifact_dir: Path
    seconds: dict[str, float]
    champion: str


# ------------------------------------------------------------------------------------------------------ the stages


def _preparation_key(_: Any, parameters: dict[str, Any]) -> str:
    """Equal for equal data settings, input content and code: `prepare` may read nothing else."""
    task = get_task(parameters["task_name"])
    config: TaskConfig = parameters["config"]
    inputs = [(str(path), file_digest(path)) for path in task.inputs(config)]
    decisive = [_data_settings(config), inputs, package_digest(), str(get_settings().prepared)]
    return f"{task.name}-prepare-{json_digest(decisive)}"


def _data_settings(config: TaskConfig) -> dict[str, Any]:
    return config.model_dump(mode="json", include={"data"})


def _run_key(context: Any, parameters: dict[str, Any]) -> str:
    """Equal within one MLflow run."""
    return f"{parameters['run_id']}-{context.task.name}"


def _is_network_error(_task: Any, _run: TaskRun, state: State) -> bool:
    error = state.result(raise_on_failure=False)
    return isinstance(error, (ConnectionError, TimeoutError, urllib.error.URLError))


def _stage(name: str, key: Callable[..., str], **options: Any) -> Callable[[Callable], Any]:
    as_task = prefect_task(
        name=name, task_run_name=name, cache_key_fn=key, persist_result=True, result_serializer="json", **options
    )

    def declare(stage: Callable) -> Any:
        @functools.wraps(stage)
        def named(*arguments: Any, **more: Any) -> Any:
            started = time.monotonic()
            with activity.doing(name):
                result = stage(*arguments, **more)
            if (seconds := time.monotonic() - started) >= 1:
                logger.info("%s took %.1f s", name, seconds)
            return result

        return as_task(named)

    return declare


@_stage("prepare", _preparation_key, retries=3, retry_delay_seconds=[5, 20, 60], retry_condition_fn=_is_network_error)
def prepare(task_name: str, config: TaskConfig) -> Prepared:
    """Turn raw input into files."""
    return get_task(task_name).prepare(config, get_settings().prepared / task_name)


@_stage("train", _run_key)
def train(task_name: str, config: TaskConfig, prepared: Prepared, work_dir: Path, run_id: str) -> Trained:
    """Train on the files and keep the best weights; goes on from a checkpoint in `work_dir`."""
    from pipelines.metric_logger import MetricLogger  # imports Keras, which the other stages may not need

    started = time.monotonic()
    with tracking.system_metrics(run_id) if config.training.system_metrics else contextlib.nullcontext():
        trained = get_task(task_name).train(config, prepared, work_dir, [MetricLogger(run_id), *trial.callbacks()])
    tracking.log_training(run_id, trained)
    seconds = max(trained.seconds, time.monotonic() - started)  # a resumed run has trained before, too
    tracking.log_metrics(run_id, {"seconds/train": seconds})
    return trained


@_stage("evaluate", _run_key)
def evaluate(
    task_name: str, config: TaskConfig, prepared: Prepared, trained: Trained, out_dir: Path, run_id: str
) -> Report:
    """Measure the weights on the test split."""
    started = time.monotonic()
    report = get_task(task_name).evaluate(config, prepared, trained, _new(out_dir))
    tracking.log_report(run_id, report)
    tracking.log_metrics(run_id, {"seconds/evaluate": time.monotonic() - started})
    return report


@_stage("export", _run_key)
def export(
    task_name: str, config: TaskConfig, prepared: Prepared, trained: Trained, out_dir: Path, run_id: str
) -> Exported:
    """Turn the weights into files that need no training code."""
    started = time.monotonic()
    exported = get_task(task_name).export(config, prepared, trained, _new(out_dir))
    tracking.log_extras(run_id, exported)
    tracking.log_metrics(run_id, {"seconds/export": time.monotonic() - started})
    return exported


@_stage("register", _run_key)
def register(task_name: str, exported: Exported, run_id: str, promote: Policy = "better") -> champions.Registration:
    """Register the files as a model that MLflow serves, and let it compete to be champion."""
    started = time.monotonic()
    task = get_task(task_name)
    version = model_registry.register_model(task, TASK_MODULES[task_name], run_id, exported)
    registration = champions.compete(task, run_id, version, promote)
    tracking.log_metrics(run_id, {"seconds/register": time.monotonic() - started})
    return registration


# ------------------------------------------------------------------------------------------------------- the chain


def run_chain(task_name: str, config: TaskConfig, *, fresh: bool = False, promote: Policy = "better") -> Outcome:
    """All stages in order, inside a Prefect flow.

    Args:
        task_name: a name from the registry.
        config: the task's config.
        fresh: forget what an interrupted run of the same config has left.
        promote: whether the model becomes champion.

    Raises:
        UserError: the user's input or config; nothing stays behind.
    """
    for name in ("pipelines", "rnn_tasks"):
        logging.getLogger(name).setLevel(logging.INFO)  # the flow run's page in Prefect shows their lines
    config = starting_vectors.resolved(config)
    if config.training.strategy != "none":
        training.claim_devices(config.training)  # TensorFlow makes devices once, before its first operation
    crashes.mark_crashed()  # for instance the flow run that this one resumes
    directory = workspace.work_directory(get_settings().unfinished, task_name, config)
    with (
        crashes.noticed(flow_run.id),
        workspace.claimed(directory) as work_dir,
        progress_artifact.shown(progress_artifact.artifact_key(task_name, "progress")),
    ):
        started = time.monotonic()
        prepared = _prepared(task_name, config)
        seconds = time.monotonic() - started
        _require_primary_metric(get_task(task_name), prepared)

        run_id = None if fresh else _resumable_run(work_dir, prepared)
        if run_id is None:
            run_id = _new_run(task_name, config, prepared, work_dir)
            tracking.log_metrics(run_id, {"seconds/prepare": seconds})
        try:
            with tracking.recording(run_id):
                trained = train(task_name, config, prepared, work_dir / "training", run_id)
                report = evaluate(task_name, config, prepared, trained, work_dir / "evaluation", run_id)
                exported = export(task_name, config, prepared, trained, work_dir / "export", run_id)
                registration = register(task_name, exported, run_id, promote)
        except (UserError, trial.Pruned):
            workspace.empty(work_dir)
            raise
        outcome = _outcome(task_name, run_id, trained, report, registration)
        _show_in_prefect(outcome, report)
        workspace.empty(work_dir)
        return outcome


def _prepared(task_name: str, config: TaskConfig) -> Prepared:
    lock = get_settings().prepared / f".{task_name}-{json_digest(_data_settings(config))[:16]}.lock"
    with alone(lock, "prepares the same data"):  # Prefect's cache must not be read while it is written
        state = prepare(task_name, config, return_state=True)
        prepared: Prepared = state.result()
        reused = prepared.reused or state.name == "Cached"
        if not (prepared.directory / "manifest.json").exists():  # Prefect still knows files that were deleted
            prepared, reused = prepare.with_options(refresh_cache=True)(task_name, config), False
    logger.info("prepare: %s %s", "reused" if reused else "wrote", prepared.directory)
    return prepared


def _require_primary_metric(task: Task, prepared: Prepared) -> None:
    """Check, before hours of training, that the task measures its primary metric."""
    if task.primary_metric not in (given := task.metrics(prepared)):
        raise ValueError(f"task {task.name!r}: primary_metric {task.primary_metric!r} is none of {', '.join(given)}")


def _resumable_run(work_dir: Path, prepared: Prepared) -> str | None:
    """The run that was interrupted in `work_dir`, if it learned from the same data."""
    record = workspace.read_record(work_dir)
    if record is None or not tracking.is_resumable(record.run_id):
        return None
    if record.prepared_digest != prepared.digest:
        logger.info(
            "MLflow run %s was interrupted, but cannot go on: its data, or the code that prepares them, have changed",
            record.run_id,
        )
        return None
    logger.info("resuming MLflow run %s, which was interrupted (--fresh starts anew)", record.run_id)
    return record.run_id


def _new_run(task_name: str, config: TaskConfig, prepared: Prepared, work_dir: Path) -> str:
    """A new MLflow run in an empty work directory; a run that was interrupted there will not be resumed."""
    abandoned = workspace.read_record(work_dir)
    if abandoned and tracking.is_resumable(abandoned.run_id):
        tracking.mark_killed(abandoned.run_id)
    workspace.empty(work_dir)
    run_id = tracking.create_run(get_task(task_name), config, prepared)
    workspace.write_record(work_dir, workspace.RunRecord(run_id=run_id, prepared_digest=prepared.digest))
    logger.info("MLflow run %s", run_id)
    return run_id


def _new(directory: Path) -> Path:
    """An empty directory, whatever an interrupted stage has left there."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    return directory


def _outcome(
    task_name: str, run_id: str, trained: Trained, report: Report, registration: champions.Registration
) -> Outcome:
    run = tracking.get_run(run_id)
    verb = "is now" if registration.promoted else "is not"
    return Outcome(
        task=task_name,
        run_id=run_id,
        status=run.info.status,
        metrics={**trained.metrics, **{m.name: m.value for m in report.metrics}},
        baseline={m.name: m.baseline for m in report.metrics if m.baseline is not None},
        model_uri=registration.model_uri,
        artifact_dir=tracking.artifact_directory(run),
        seconds=tracking.stage_seconds(run),
        champion=f"{registration.model_uri} {verb} {task_name}@{registration.alias}: {registration.reason}",
    )


def _show_in_prefect(outcome: Outcome, report: Report) -> None:
    """The result, some samples, and the way to the MLflow run, on the flow run's page."""
    key = functools.partial(progress_artifact.artifact_key, outcome.task)
    text = f"## {outcome.task}\n\n{outcome.champion}\n\n{run_description.described(report)}"
    create_markdown_artifact(text, key=key("result"))
    create_link_artifact(tracking.page(outcome.run_id), link_text="MLflow run", key=key("mlflow-run"))
