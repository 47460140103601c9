"""The model that MLflow stores and serves: records in, answers out, through the task's own `predict`.

MLflow keeps this file as code (no pickle) beside the export and the package, and runs it wherever the model is
loaded: `mlflow.pyfunc.load_model("models:/translate@champion").predict(["hello"])`.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pandas as pd
from mlflow.models import set_model
from mlflow.pyfunc import PythonModel, PythonModelContext

from rnn_tasks.config import validate
from rnn_tasks.records import ObjectRecords


class ServedModel(PythonModel):
    """A task's export behind MLflow's interface."""

    def load_context(self, context: PythonModelContext) -> None:
        """Find the task by the module that declares it, and the export among the artifacts."""
        self.task = importlib.import_module(context.model_config["task_module"]).TASK
        self.export = Path(context.artifacts["export"])

    def predict(
        self, context: PythonModelContext, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> list[str]:
        """One answer a record; `params` are the task's `predict_options`.

        Args:
            model_input: the records in one column: strings, arrays of numbers, or objects as JSON text.
        """
        options, kind = validate(self.task.predict_options, params or {}), self.task.records
        read = kind.parse if isinstance(kind, ObjectRecords) else kind.check
        records = [read(value, f"record {number}") for number, value in enumerate(model_input.iloc[:, 0].tolist(), 1)]
        return list(self.task.predict(self.export, records, options))


set_model(ServedModel())
