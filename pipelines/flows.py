"""One flow a task, made from the registry: Prefect finds `pipelines.flows.<task>`; its config is the form in the UI."""

from __future__ import annotations

import functools
from typing import Any

from prefect import Flow, flow
from prefect.runtime import flow_run

from pipelines import provenance
from pipelines.flow import Outcome, run_chain
from pipelines.promoting import Policy
from rnn_tasks.registry import TASK_MODULES, get_task


@functools.cache
def flow_of(task_name: str) -> Flow[..., Outcome]:
    """The flow of a registered task."""
    task = get_task(task_name)

    def chain(config: Any = task.presets["quick"], fresh: bool = False, promote: Policy = "better") -> Outcome:
        return run_chain(task_name, config, fresh=fresh, promote=promote)

    # What Prefect reads off a function: its name and place, to load it, and its types, for the form.
    chain.__name__ = chain.__qualname__ = task_name
    chain.__doc__ = (
        f"Every stage of {task_name}; `fresh` forgets what an interrupted run of the same config has left, `promote` "
        "decides whether the model becomes champion: when it is better, always or never."
    )
    chain.__annotations__ = {"config": task.config, "fresh": bool, "promote": Policy, "return": Outcome}
    return flow(name=task_name, description=task.summary, flow_run_name=run_title)(chain)


def run_title() -> str:
    """The name of the flow run that begins here: task, preset, data, changes."""
    task, config = get_task(flow_run.flow_name), flow_run.parameters["config"]
    source = provenance.flat(config.model_dump()).get("data.source", "")
    return f"{task.name} · {provenance.title(task, config, source)}"


def all_flows() -> list[Flow[..., Outcome]]:
    """The flow of each registered task."""
    return [flow_of(name) for name in TASK_MODULES]


def __getattr__(name: str) -> Flow[..., Outcome]:
    if name not in TASK_MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return flow_of(name)
