"""The orchestration: Prefect runs the stages of a task, MLflow records them, `rnn-tasks` starts both.

Prefect and MLflow read the addresses of their stores while they are imported, so importing this package sets them.
"""

from pipelines.settings import get_settings

get_settings().export_environment()
