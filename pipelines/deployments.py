"""A Prefect deployment for each preset of a task: started from its form, or by a schedule, and run by this process."""

from __future__ import annotations

import logging
import time
import warnings
from collections.abc import Mapping
from importlib import metadata
from typing import Any, cast
from uuid import UUID

from prefect import serve
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import DeploymentScheduleCreate, DeploymentUpdate
from prefect.deployments.runner import RunnerDeployment
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError
from prefect.flows import EntrypointType

from pipelines import crashes, missed, provenance, run_description, schedules, servers
from pipelines.flows import all_flows
from rnn_tasks.errors import UserError
from rnn_tasks.registry import get_task
from rnn_tasks.task import Task

logger = logging.getLogger(__name__)

WAIT_SECONDS = 5.0


class LocalDeployment(RunnerDeployment):
    """A deployment that keeps what people have set on it when it is registered again.

    Prefect's own `serve` overwrites a deployment that exists: schedules, default parameters, description, tags and
    whether it is paused, all of which the UI sets. Here only what comes from the code and the command line
    is updated. Nothing is written when nothing has changed, because any update discards the runs that are scheduled
    next.
    """

    async def aapply(self, *args: Any, **options: Any) -> UUID:
        """Register; returns the deployment's id.

        Raises:
            UserError: the task no longer accepts default parameters that somebody has set.
        """
        async with get_client() as client:
            try:
                found = await client.read_deployment_by_name(self.full_name)
            except ObjectNotFound:
                return await super().aapply(*args, **options)
            ours: dict[str, Any] = {
                "entrypoint": self.entrypoint,
                "path": self._path,
                "version": self.version,
                "parameter_openapi_schema": self._parameter_openapi_schema.model_dump(exclude_unset=True),
            }
            if any(getattr(found, name) != value for name, value in ours.items()):
                try:
                    await client.update_deployment(found.id, DeploymentUpdate(**ours))
                except PrefectHTTPStatusError as error:
                    if error.response.status_code != 409:
                        raise
                    reason = error.response.json()["detail"].removeprefix("Error updating deployment: ")
                    raise UserError(
                        f"deployment {self.full_name}: its default parameters, set in the Prefect UI, do not fit the "
                        f"task any more; change them on its page, Edit ({reason})"
                    ) from None
            await schedules.keep(client, found.id, cast(list[DeploymentScheduleCreate], self.schedules or []))
            return found.id


def serve_all(scheduled: Mapping[tuple[str, str], list[DeploymentScheduleCreate]]) -> None:
    """Register the deployments and run what is started or scheduled, one run at a time, until Ctrl-C.

    Waits for Prefect's server when it goes away, and goes on when it is back.

    Args:
        scheduled: schedules of the command line, by task and preset.
    """
    flows = all_flows()
    deployments = [
        LocalDeployment.from_flow(
            flow,
            name=preset,
            description=described(get_task(task), preset),
            version=metadata.version("rnn-tasks"),  # not a digest of this file, nor git's word on where we started
            entrypoint_type=EntrypointType.MODULE_PATH,
        )
        for (task, preset), flow in flows.items()
    ]
    for deployment in deployments:
        deployment.schedules = list(scheduled.get((deployment.flow_name or "", deployment.name), ()))
    _end_quietly()
    with crashes.serving_alone() as alone:
        while True:
            try:
                if alone:
                    missed.run_again_what_never_began(flows)
                    missed.run_once_what_was_due(flows)
                return serve(*deployments, pause_on_shutdown=False, limit=1)
            except Exception:
                if servers.prefect_answers():
                    raise
            logger.warning("Prefect's server does not answer any more; waiting until it is back (make ui)")
            while not servers.prefect_answers():
                time.sleep(WAIT_SECONDS)


def described(task: Task, preset: str) -> str:
    """What a deployment's page says: the task, and the settings in which its preset differs from quick."""
    quick, chosen = (provenance.flat(task.presets[name].model_dump(mode="json")) for name in ("quick", preset))
    changed = [(f"`{key}`", str(value), str(chosen[key])) for key, value in quick.items() if value != chosen[key]]
    trial = "Its models never become champion.\n\n" if task.presets[preset].is_trial else ""
    table = run_description.table(["setting", "quick", preset], changed) if changed else ""
    return f"{task.summary} Preset {preset}.\n\n{trial}{table}".strip()


def _end_quietly() -> None:
    """Hide errors that Prefect 3.8.8 (at SIGTERM) and Python 3.11 (at Ctrl-C in a run) report at a normal end."""
    warnings.filterwarnings("ignore", "coroutine 'Runner.astop' was never awaited", RuntimeWarning)
    noise = "StreamReaderProtocol.connection_made"
    logging.getLogger("asyncio").addFilter(lambda record: noise not in record.getMessage())
