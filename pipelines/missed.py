"""Runs that were missed while nothing served: scheduled runs that were due, and runs that were taken but never began.

Call these functions when no other process serves the deployments.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import LogCreate
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterName,
    FlowFilter,
    FlowFilterName,
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.client.schemas.sorting import FlowRunSort
from prefect.states import Scheduled

logger = logging.getLogger(__name__)

Names = Collection[tuple[str, str]]  # of deployments: task and preset
LATE = timedelta(seconds=15)  # as Prefect has it
PAGE = 200  # the most that Prefect's server gives at once


def run_again_what_never_began(served: Names) -> None:
    """Schedule flow runs again that an earlier `serve` took if it ended before their process began.

    Prefect leaves them pending for ever.
    """
    with get_client(sync_client=True) as client:
        for flow_run in _flow_runs(client, served, StateType.PENDING):
            state: State[Any] = Scheduled(message="Taken by a process that ended before it had begun; scheduled again.")
            client.set_flow_run_state(flow_run.id, state, force=True)


def run_once_what_was_due(served: Names, now: datetime | None = None) -> None:
    """For each schedule, run once what was due while nothing served, and mark the runs that were due as missed.

    Prefect would run each of them. A new flow run takes their place, because Prefect discards scheduled ones whenever a
    deployment changes; its log says when it was due. Runs that people have started all stay.
    """
    now = now or datetime.now(UTC)
    with get_client(sync_client=True) as client:
        due: dict[tuple[UUID, UUID | None], list[FlowRun]] = defaultdict(list)
        for flow_run in _flow_runs(client, served, StateType.SCHEDULED):
            when, deployment_id = flow_run.expected_start_time, flow_run.deployment_id
            if flow_run.auto_scheduled and deployment_id and when and when < now - LATE:
                due[deployment_id, flow_run.created_by.id if flow_run.created_by else None].append(flow_run)
        for (deployment_id, _), flow_runs in due.items():
            last = flow_runs[-1]
            told = f"due at {last.expected_start_time:%Y-%m-%d %H:%M:%S} UTC, while nothing served; it runs now, late"
            if len(flow_runs) > 1:
                told += f", and once for {len(flow_runs)} that were due"
            late = client.create_flow_run_from_deployment(
                deployment_id, parameters=last.parameters, tags=last.tags, idempotency_key=f"late-{last.id}"
            )
            client.create_logs([_warning(late, told)])
            for flow_run in flow_runs:
                missed: State[Any] = State(type=StateType.CANCELLED, name="Missed", message=f"Run later, as {late.id}.")
                client.set_flow_run_state(flow_run.id, missed, force=True)
            deployment = client.read_deployment(deployment_id)
            logger.warning("%s/%s: %s", client.read_flow(last.flow_id).name, deployment.name, told)


def _warning(flow_run: FlowRun, text: str) -> LogCreate:
    """A line of the log on a flow run's page."""
    now: Any = datetime.now(UTC)
    return LogCreate(name=__name__, level=logging.WARNING, message=text, timestamp=now, flow_run_id=flow_run.id)


def _flow_runs(client: SyncPrefectClient, served: Names, kind: StateType) -> list[FlowRun]:
    """The deployments' flow runs in a state, in the order in which they were due."""
    found: list[FlowRun] = []
    while len(found) % PAGE == 0:
        page = client.read_flow_runs(
            flow_filter=FlowFilter(name=FlowFilterName(any_=[task for task, _ in served])),
            deployment_filter=DeploymentFilter(name=DeploymentFilterName(any_=[preset for _, preset in served])),
            flow_run_filter=FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[kind]))),
            sort=FlowRunSort.EXPECTED_START_TIME_ASC,
            limit=PAGE,
            offset=len(found),
        )
        found += page
        if not page:
            break
    return found
