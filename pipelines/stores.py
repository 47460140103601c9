"""The databases of MLflow and Prefect at first use: one process makes each while the others wait.

Two processes must not make the same database at once. MLflow's could not be opened again if its process were killed, so
it is made elsewhere and gets its name when it is whole. Prefect's goes on where it stopped.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from pipelines.settings import Settings
from rnn_tasks import activity
from rnn_tasks.files import write_whole
from rnn_tasks.locks import alone


def make_mlflow_store(settings: Settings) -> None:
    """Make MLflow's database unless it is there: some seconds, once."""
    database = settings.mlflow_database
    if database.exists():
        return
    with alone(database.with_name(".mlflow.lock"), "makes MLflow's store"):
        if database.exists():
            return
        from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

        making = activity.doing("making the MLflow store, once")
        with making, tempfile.TemporaryDirectory(prefix=".mlflow-", dir=database.parent) as directory:
            aside = settings.model_copy(update={"home": Path(directory)})
            aside.mlflow_database.parent.mkdir()
            SqlAlchemyStore(aside.tracking_uri, settings.artifacts.as_uri()).engine.dispose()
            os.replace(aside.mlflow_database, database)


@contextlib.contextmanager
def making_prefect_store(settings: Settings) -> Iterator[None]:
    """Start a Prefect server inside the block and wait until it answers: it makes the database, or migrates it.

    If a server of this version has done so before, no process waits for another.
    """
    made_by = settings.prefect_home / "made_by.txt"
    version = metadata.version("prefect")

    def is_made() -> bool:
        return settings.prefect_database.exists() and made_by.exists() and made_by.read_text() == version

    with contextlib.ExitStack() as held:
        if not is_made():
            held.enter_context(alone(settings.prefect_home / ".prefect.lock", "makes Prefect's store"))
        if is_made():
            held.close()
        yield
        if not is_made():
            write_whole(made_by, version)
