"""The first runs in an empty home may start at the same time, and the very first one may be killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from pipelines import stores, tracking
from pipelines.settings import get_settings

DIES = """
import os, signal
from alembic.runtime.migration import HeadMaintainer
HeadMaintainer.update_to_step = lambda *_: os.kill(os.getpid(), signal.SIGKILL)  # after the first migration
from pipelines import stores
from pipelines.settings import get_settings
stores.make_mlflow_store(get_settings())
"""


@pytest.fixture
def empty_home(home, tmp_path, monkeypatch):
    """A home without stores, and no Prefect server that runs already."""
    monkeypatch.setenv("RNN_TASKS_HOME", str(tmp_path / "empty"))
    monkeypatch.delenv("RNN_TASKS_CACHE", raising=False)
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    get_settings().export_environment()
    return tmp_path / "empty"


def test_three_first_runs_at_once_all_finish(empty_home, command):
    with ThreadPoolExecutor(3) as pool:
        runs = list(pool.map(lambda seed: command("run", "dummy", "--json", "--seed", seed), "123"))
    assert [run.returncode for run in runs] == [0, 0, 0], [run.stderr for run in runs]
    results = [json.loads(run.stdout) for run in runs]
    assert {result["status"] for result in results} == {"FINISHED"}
    assert {result["model_uri"] for result in results} == {f"models:/dummy/{version}" for version in (1, 2, 3)}
    assert {run.info.run_id for run in tracking.runs_of("dummy")} == {result["run_id"] for result in results}
    assert (empty_home.parent / "dummy.log").read_text() == "prepare\n"
    assert sum("waiting for another process, which makes Prefect's store" in run.stderr for run in runs) == 2
    assert not [path for path in empty_home.rglob("*.lock*") if path.is_file()]


def test_a_first_use_that_was_killed_does_no_harm(empty_home):
    killed = subprocess.run([sys.executable, "-c", DIES], env=os.environ)
    assert killed.returncode == -signal.SIGKILL
    database = empty_home / "mlruns" / "mlflow.db"
    assert not database.exists()
    stores.make_mlflow_store(get_settings())
    assert database.exists()
    assert tracking.client().get_experiment("0").artifact_location == get_settings().artifacts.as_uri() + "/0"


def test_an_experiment_that_another_process_has_made_since_is_taken(home, monkeypatch):
    client = tracking.client()
    look, answers = client.get_experiment_by_name, [None]
    made = client.create_experiment("dummy")
    monkeypatch.setattr(client, "get_experiment_by_name", lambda name: answers.pop() if answers else look(name))
    assert tracking.experiment_id("dummy") == made
