"""One flow a task, written out, so that Prefect finds it by name and its UI shows the task's config as a form."""

from __future__ import annotations

from prefect import Flow, flow

from pipelines.flow import Outcome, run_chain
from rnn_tasks.registry import TASK_MODULES
from rnn_tasks.tasks import reber as reber_task
from rnn_tasks.tasks import translate as translate_task


@flow(name="translate", description=translate_task.TASK.summary)
def translate(config: translate_task.TranslateConfig = translate_task.PRESETS["quick"], fresh: bool = False) -> Outcome:
    """Every stage of translate; `fresh` forgets what an interrupted run of the same config has left."""
    return run_chain("translate", config, fresh=fresh)


@flow(name="reber", description=reber_task.TASK.summary)
def reber(config: reber_task.ReberConfig = reber_task.PRESETS["quick"], fresh: bool = False) -> Outcome:
    """Every stage of reber; `fresh` forgets what an interrupted run of the same config has left."""
    return run_chain("reber", config, fresh=fresh)


def flow_of(task_name: str) -> Flow[..., Outcome]:
    """The flow of a registered task."""
    return globals()[task_name]


def all_flows() -> list[Flow[..., Outcome]]:
    """The flow of each registered task."""
    return [flow_of(name) for name in TASK_MODULES]
