"""`make ui` and `make serve` with real servers, in a home whose name every address has to quote."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from prefect.client.orchestration import SyncPrefectClient
from set_by_people import EVERY_90_S, NIGHTLY, set_by_people, stored

from pipelines import tracking
from pipelines.settings import Settings

HERE = Path(__file__).parent
ODD = """a%20b {x}$HOME&#;["é]\\ y:z@w"""  # what addresses, templates and shells read in their own way


@pytest.fixture
def home(tmp_path, new_home):
    with new_home(tmp_path / ODD) as root:
        yield root


class Command:
    """`rnn-tasks` with the dummy task, in a process of its own, its output in a file."""

    def __init__(self, output: Path, *arguments: str, **environment: str):
        self.output = output
        with output.open("wb") as file:
            self.process = subprocess.Popen(
                [sys.executable, str(HERE / "dummy_command.py"), *arguments],
                stdout=file,
                stderr=subprocess.STDOUT,
                env={**os.environ, "PYTHONPATH": str(HERE), **environment},
            )

    def wait_until(self, reached, seconds=500):
        """What `reached` gives as soon as it is true; what was said when it does not come true."""
        deadline = time.monotonic() + seconds
        while not (found := reached()):
            assert self.process.poll() is None, self.output.read_text()
            assert time.monotonic() < deadline, self.output.read_text()
            time.sleep(0.2)
        return found

    def says(self, text):
        self.wait_until(lambda: text in self.output.read_text())

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=60)


@pytest.fixture
def command_of(tmp_path, home):
    """Starts `rnn-tasks` on ports of its own: command_of("serve", "--schedule", …) -> Command."""
    with contextlib.ExitStack() as sockets:
        ports = [sockets.enter_context(socket.socket()) for _ in range(2)]
        for port in ports:
            port.bind(("127.0.0.1", 0))
        numbers = [str(port.getsockname()[1]) for port in ports]
    os.environ |= {"RNN_TASKS_PREFECT_PORT": numbers[0], "RNN_TASKS_MLFLOW_PORT": numbers[1]}
    for waits in ("PREFECT_RUNNER_POLL_FREQUENCY", "PREFECT_SERVER_SERVICES_SCHEDULER_RECENT_DEPLOYMENTS_LOOP_SECONDS"):
        os.environ[waits] = "1"
    del os.environ["PREFECT_API_URL"]  # of the server that the other tests share
    started = []

    def start(name, *arguments):
        started.append(Command(tmp_path / f"{name}-{len(started)}.txt", name, *arguments))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.end()


@pytest.mark.timeout(1800)  # for a machine that does other things, too
def test_a_schedule_makes_runs_and_outlives_restarts_of_both(command_of, in_process, migrated_store, home, tmp_path):
    settings = Settings()
    settings.prefect_home.mkdir()
    shutil.copy(migrated_store.with_name("prefect.db"), settings.prefect_home)

    ui = command_of("ui")
    ui.says("Ctrl-C stops both.")
    assert ui.output.read_text() == (
        f"Prefect  {settings.prefect_url}   (log: {home}/mlruns/logs/prefect.log)\n"
        f"MLflow   {settings.mlflow_url}/#/experiments?workflowType=machine_learning   "
        f"(log: {home}/mlruns/logs/mlflow.log)\n"
        "Ctrl-C stops both.\n"
    )
    assert "Uvicorn running" in settings.mlflow_log.read_text()
    client = SyncPrefectClient(f"{settings.prefect_url}/api")

    def scheduled_runs(state):
        found = client.request("POST", "/flow_runs/filter", json={"flow_runs": {"state": {"name": {"any_": [state]}}}})
        return [run for run in found.json() if run["auto_scheduled"]]

    serving = ["serve", "--schedule", "dummy=0 4 * * *"]
    serve = command_of(*serving)
    serve.says("polling for scheduled runs")
    deployment_id = client.read_deployment_by_name("dummy/quick").id
    set_by_people(client, deployment_id, [{**EVERY_90_S, "schedule": {"interval": 4}}, NIGHTLY])
    client.resume_deployment(deployment_id)
    before = stored(client, deployment_id)
    assert {one["schedule"].get("cron") for one in before["schedules"]} == {None, "0 3 * * *", "0 4 * * *"}
    done = serve.wait_until(lambda: len(runs := scheduled_runs("Completed")) >= 2 and runs)
    assert {run["parameters"]["config"]["model"]["quality"] for run in done} == {0.75}

    for command in (serve, ui):
        assert command.end() == 0
    assert "Traceback" not in serve.output.read_text()
    assert "Warning" not in serve.output.read_text()
    ui = command_of("ui")
    ui.says("Ctrl-C stops both.")
    assert stored(client, deployment_id) == before
    serve = command_of(*serving)
    serve.wait_until(lambda: {run["id"] for run in scheduled_runs("Completed")} - {run["id"] for run in done})
    assert stored(client, deployment_id) == before
    assert {run.data.metrics["test_accuracy"] for run in tracking.runs_of("dummy") if run.data.metrics} == {0.75}
    assert serve.end() == 0

    run_id = max(tracking.runs_of("dummy"), key=lambda run: run.info.start_time).info.run_id
    address = f"{settings.mlflow_url}/get-artifact?path=samples/samples.tsv&run_uuid={run_id}"
    with urllib.request.urlopen(address, timeout=60) as answer:
        assert answer.read() == b"word\tanswer\none\t[3]\n"
    (home / "in.txt").write_text("three\n")
    assert in_process("predict", "dummy", "--input", "in.txt")[:2] == (0, "5\n")
    assert run_id in in_process("compare", "dummy")[1]
    assert [path for path in tmp_path.iterdir() if path.is_dir()] == [tmp_path / ODD]  # no name was read wrongly
    assert {path.name for path in home.parent.iterdir()} == {"home", "dummy.log"}
    # MLflow's own client reads %20 in a local path as a space, unless it is told where to put what it reads.
    (tmp_path / "copy").mkdir()
    loaded = tracking.mlflow.pyfunc.load_model("models:/dummy@champion", dst_path=str(tmp_path / "copy"))
    assert loaded.predict(["one"]) == ["3"]

    with contextlib.closing(sqlite3.connect(settings.prefect_home / "prefect.db")) as store:
        store.execute("ALTER TABLE deployment_schedule RENAME TO hidden")
    ui.says("Prefect's server: ERROR | docket.dependencies - ")
    told = ui.output.read_text().splitlines()[-1]
    assert "schedule_recent_deployments" in told
    assert told.endswith("OperationalError: (sqlite3.OperationalError) no such table: deployment_schedule")
    assert "Traceback (most recent call last):" in settings.prefect_log.read_text()
    assert ui.end() == 0
