"""Task name -> module. Neither importing this module nor looking up a task loads TensorFlow."""

from __future__ import annotations

import difflib
import importlib

from rnn_tasks.errors import UserError
from rnn_tasks.task import Task

TASK_MODULES = {
    "translate": "rnn_tasks.tasks.translate",
    "reber": "rnn_tasks.tasks.reber",
    "mnist": "rnn_tasks.tasks.mnist",
    "forecast": "rnn_tasks.tasks.forecast",
    "language_model": "rnn_tasks.tasks.language_model",
    "embeddings": "rnn_tasks.tasks.embeddings",
    "memory": "rnn_tasks.tasks.memory",
}


def get_task(name: str) -> Task:
    """The task called `name`.

    Raises:
        UserError: no task has that name; the message lists the names that exist.
    """
    if name not in TASK_MODULES:
        near = difflib.get_close_matches(name, TASK_MODULES, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise UserError(f"unknown task {name!r}{hint} (tasks: {', '.join(TASK_MODULES)})")
    return importlib.import_module(TASK_MODULES[name]).TASK
