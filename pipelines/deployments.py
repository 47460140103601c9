"""A Prefect deployment a task: started from its form in the UI, or by a schedule, and run by this process."""

from __future__ import annotations

from typing import cast

from prefect import serve
from prefect.deployments.runner import RunnerDeployment
from prefect.flows import EntrypointType

from pipelines.flows import all_flows


def serve_all() -> None:
    """Register a deployment a task and run what is started or scheduled, one run at a time, until Ctrl-C."""
    deployments = [
        cast(  # to_deployment gives a coroutine in async code only
            RunnerDeployment,
            flow.to_deployment(name="local", description=flow.description, entrypoint_type=EntrypointType.MODULE_PATH),
        )
        for flow in all_flows()
    ]
    serve(*deployments, pause_on_shutdown=False, limit=1)
