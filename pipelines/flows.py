"""One flow a task, written out, so that Prefect finds it by name and its UI shows the task's config as a form."""

from __future__ import annotations

from prefect import Flow, flow

from pipelines.flow import Outcome, run_chain
from rnn_tasks.registry import TASK_MODULES
from rnn_tasks.tasks.reber import TASK as REBER
from rnn_tasks.tasks.reber import ReberConfig
from rnn_tasks.tasks.translate import TASK as TRANSLATE
from rnn_tasks.tasks.translate import TranslateConfig


@flow(name="translate", description=TRANSLATE.summary)
def translate(config: TranslateConfig = TRANSLATE.presets["quick"], fresh: bool = False) -> Outcome:
    """Every stage of translate; `fresh` forgets what an interrupted run of the same config has left."""
    return run_chain("translate", config, fresh=fresh)


@flow(name="reber", description=REBER.summary)
def reber(config: ReberConfig = REBER.presets["quick"], fresh: bool = False) -> Outcome:
    """Every stage of reber; `fresh` forgets what an interrupted run of the same config has left."""
    return run_chain("reber", config, fresh=fresh)


def flow_of(task_name: str) -> Flow:
    """The flow of a registered task."""
    return globals()[task_name]


def all_flows() -> list[Flow]:
    """The flow of each registered task."""
    return [flow_of(name) for name in TASK_MODULES]
