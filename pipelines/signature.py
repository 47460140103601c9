"""What a served model takes and gives, as MLflow describes it: it follows from the task's records and options."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from mlflow.models import ModelSignature
from mlflow.types.schema import Array, ColSpec, DataType, ParamSchema, ParamSpec, Schema

from rnn_tasks.records import NumberRecords, Records, TableRecords
from rnn_tasks.task import Task


def signature_of(task: Task) -> ModelSignature:
    """Records in, strings out, and those `predict_options` of plain types (or None) that have a default."""
    types: dict[Any, str] = {int: "long", float: "double", bool: "boolean", str: "string"}
    types |= {kind | None: name for kind, name in types.items()}
    fields = task.predict_options.model_fields.items()
    options = [ParamSpec(n, types[f.annotation], f.default) for n, f in fields if f.annotation in types]
    taken, given = Schema([_column(task.records)]), Schema([ColSpec("string")])
    return ModelSignature(taken, given, ParamSchema(options)) if options else ModelSignature(taken, given)


def example_of(task: Task, export_dir: Path) -> list[str] | pd.DataFrame | None:
    """Records that this export answers, as a client hands them in; None if not every client could use them."""
    records = task.records
    if not (task.examples or records.portable):
        return None
    lines: Sequence[str] = task.examples(export_dir) if task.examples else records.good
    if isinstance(records, NumberRecords | TableRecords):
        return pd.DataFrame({str(_column(records).name): [records.parse(line, "example").tolist() for line in lines]})
    return list(lines)


def _column(records: Records) -> ColSpec:
    """The one column that a record stands in. Objects are handed in as JSON text."""
    if isinstance(records, TableRecords):
        return ColSpec(Array(Array(DataType.double)), "table")
    if isinstance(records, NumberRecords):
        return ColSpec(Array(DataType.double), "numbers")
    return ColSpec("string")
