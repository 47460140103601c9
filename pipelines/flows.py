"""A flow for each preset of a task, made from the registry; its config is the form in the Prefect UI.

Prefect finds `pipelines.flows.<task>` (preset quick) and `pipelines.flows.<task>_<preset>`.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Annotated, Any

from prefect import Flow, flow
from prefect.runtime import flow_run
from pydantic import BeforeValidator

from pipelines import provenance
from pipelines.flow import Outcome, run_chain
from pipelines.launch import import_tensorflow
from pipelines.promoting import Policy
from rnn_tasks.config import TaskConfig
from rnn_tasks.registry import TASK_MODULES, get_task

_DOCUMENTATION = """Every stage of {task}.

Args:
    config: All settings. Those that are not given are the preset's.
    fresh: Forget what an interrupted run of the same config has left, instead of going on from it.
    promote: Whether the model becomes champion on its data: when it is better than all others there, always, never.
"""


@functools.cache
def flow_of(task_name: str, preset: str = "quick") -> Flow[..., Outcome]:
    """The flow of a registered task, which starts from a preset."""
    task = get_task(task_name)
    start = task.presets[preset]

    def chain(config: Any = start, fresh: bool = False, promote: Policy = "better") -> Outcome:
        import_tensorflow()  # commands have done this already, `serve` and workers have not
        return run_chain(task_name, config, fresh=fresh, promote=promote)

    # Prefect uses a function's name and place to load it, and its types and documentation for the form.
    chain.__name__ = chain.__qualname__ = task_name if preset == "quick" else f"{task_name}_{preset}"
    chain.__doc__ = _DOCUMENTATION.format(task=task_name)
    laid_over_it: Any = Annotated[task.config, BeforeValidator(functools.partial(_laid_over, start))]
    chain.__annotations__ = {"config": laid_over_it, "fresh": bool, "promote": Policy, "return": Outcome}
    return flow(name=task_name, description=task.summary, flow_run_name=run_title)(chain)


def _laid_over(preset: TaskConfig, values: Any) -> Any:
    """A preset with the given values laid over it: a section that is given in part keeps the preset's other values."""

    def merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
        both = {
            k: merged(below[k], v) for k, v in above.items() if isinstance(v, dict) and isinstance(below.get(k), dict)
        }
        return {**below, **above, **both}

    return merged(preset.model_dump(), values) if isinstance(values, Mapping) else values


def run_title() -> str:
    """The name of the flow run that begins here: task, preset, data, changes."""
    task, config = get_task(flow_run.flow_name), flow_run.parameters["config"]
    source = provenance.flat(config.model_dump()).get("data.source", "")
    return f"{task.name} · {provenance.title(task, config, source)}"


def all_flows() -> dict[tuple[str, str], Flow[..., Outcome]]:
    """The flow of each preset of each registered task, by the names of both."""
    return {(task, preset): flow_of(task, preset) for task in TASK_MODULES for preset in get_task(task).presets}


def __getattr__(name: str) -> Flow[..., Outcome]:
    for found in all_flows().values() if not name.startswith("__") else ():
        if found.fn.__name__ == name:
            return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
