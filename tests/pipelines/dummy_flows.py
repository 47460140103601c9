"""Stands in for `pipelines.flows` when the dummy task is the only one."""

from dummy_task import DummyConfig
from prefect import flow

from pipelines.flow import Outcome, run_chain


@flow(name="dummy")
def dummy(config: DummyConfig, fresh: bool = False) -> Outcome:
    return run_chain("dummy", config, fresh=fresh)


def flow_of(task_name):
    return {"dummy": dummy}[task_name]
