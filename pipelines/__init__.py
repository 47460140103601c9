"""The orchestration: Prefect runs the stages of a task, MLflow records them, `rnn-tasks` starts both.

Prefect and MLflow read the addresses of their stores while they are imported, so importing this package sets them.
"""

import contextlib

from pipelines.settings import get_settings
from rnn_tasks.errors import UserError

with contextlib.suppress(UserError):  # a command that asks for the settings reports it; `list` needs none
    get_settings().export_environment()
