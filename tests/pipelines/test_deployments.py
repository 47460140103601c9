"""Schedules that people set in the Prefect UI make runs, and outlive restarts; nothing else of theirs is touched."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from uuid import uuid4

import pytest
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.flows import EntrypointType
from prefect.states import Completed, Pending, Running, Scheduled

from pipelines import tracking
from pipelines.settings import Settings
from rnn_tasks.errors import UserError

HERE = Path(__file__).parent
ITS_OWN = {"last_polled", "status"}  # what a deployment tells of who serves it


# ----------------------------------------------------------------------------------------- against the tests' server


@pytest.fixture
def prefect(home):
    with get_client(sync_client=True) as client:
        yield client


@pytest.fixture
def deployment(dummy):
    """A deployment of the dummy task under a name of its own, as `serve` registers it."""
    from pipelines.deployments import LocalDeployment
    from pipelines.flows import flow_of

    def make(name, **options):
        kind = EntrypointType.MODULE_PATH
        return LocalDeployment.from_flow(flow_of("dummy"), name, version="0.1", entrypoint_type=kind, **options)

    return make


def set_by_people(prefect, deployment_id, schedules):
    """What the UI's pages of a deployment can change."""
    prefect.request("POST", "/deployments/{id}/schedules", path_params={"id": deployment_id}, json=schedules)
    changes = {
        "description": "ours",
        "tags": ["nightly"],
        "parameters": {"config": {"model": {"quality": 0.25}}},
        "paused": True,
        "concurrency_limit": 2,
        "enforce_parameter_schema": True,
    }
    prefect.request("PATCH", "/deployments/{id}", path_params={"id": deployment_id}, json=changes)


def stored(prefect, deployment_id):
    found = prefect.request("GET", "/deployments/{id}", path_params={"id": deployment_id}).json()
    if limit := found["global_concurrency_limit"]:
        found["global_concurrency_limit"] = limit["limit"]  # beside it stands who has slots now
    return {key: value for key, value in found.items() if key not in ITS_OWN}


EVERY_90_S = {"schedule": {"interval": 90}, "active": True, "parameters": {"config": {"model": {"quality": 0.75}}}}
NIGHTLY = {"schedule": {"cron": "0 3 * * *", "timezone": "Europe/Paris"}, "active": False, "slug": "nightly"}
RULE = {"schedule": {"rrule": "FREQ=HOURLY"}, "active": True, "slug": "hourly", "max_scheduled_runs": 5}


@pytest.mark.parametrize(
    "schedules",
    [[EVERY_90_S], [NIGHTLY, RULE], [EVERY_90_S, NIGHTLY, RULE], []],
    ids=["no slug", "slugs", "both", "none"],
)
def test_registering_again_leaves_alone_what_people_have_set(prefect, deployment, schedules):
    name = uuid4().hex
    deployment_id = asyncio.run(deployment(name).aapply())
    set_by_people(prefect, deployment_id, schedules)
    before = stored(prefect, deployment_id)
    assert len(before["schedules"]) == len(schedules)

    assert asyncio.run(deployment(name).aapply()) == deployment_id
    assert stored(prefect, deployment_id) == before  # not even written, which would discard the next runs

    newer = deployment(name, description="of the code", tags=["code"])
    newer.version, newer.entrypoint = "0.2", "elsewhere.dummy"
    newer._parameter_openapi_schema.properties["fresh"]["title"] = "Start anew"
    assert asyncio.run(newer.aapply()) == deployment_id
    after = stored(prefect, deployment_id)
    assert (after["version"], after["entrypoint"]) == ("0.2", "elsewhere.dummy")
    assert after["parameter_openapi_schema"]["properties"]["fresh"]["title"] == "Start anew"
    changed = {"version", "entrypoint", "parameter_openapi_schema", "updated"}
    assert {k: v for k, v in after.items() if k not in changed} == {k: v for k, v in before.items() if k not in changed}


def test_default_parameters_that_the_task_no_longer_takes_are_named(prefect, deployment):
    name = uuid4().hex
    deployment_id = asyncio.run(deployment(name).aapply())
    set_by_people(prefect, deployment_id, [EVERY_90_S])
    before = stored(prefect, deployment_id)
    newer = deployment(name)
    newer._parameter_openapi_schema.definitions["ModelConfig"]["properties"]["quality"]["minimum"] = 0.5
    with pytest.raises(UserError) as error:
        asyncio.run(newer.aapply())
    assert str(error.value) == (
        f"deployment dummy/{name}: its default parameters, set in the Prefect UI, do not fit the task any more; change "
        "them on its page, Edit (Validation failed for field 'config.model.quality'. Failure reason: 0.25 is less than "
        "the minimum of 0.5)"
    )
    assert stored(prefect, deployment_id) == before


def test_runs_that_were_taken_and_never_began_are_scheduled_again(prefect, deployment):
    from pipelines import deployments

    ours, others = (asyncio.run(deployment(name).aapply()) for name in ("full", uuid4().hex))
    states = [Pending(name="Submitting"), Running(), Completed(), Scheduled()]
    runs = []
    for where, state in [*((ours, state) for state in states), (others, Pending())]:
        runs.append(prefect.create_flow_run_from_deployment(where, parameters={"config": {}}).id)
        prefect.set_flow_run_state(runs[-1], state, force=True)
    deployments.run_again_what_never_began()
    assert [prefect.read_flow_run(run).state.name for run in runs] == [
        *("Scheduled", "Running", "Completed", "Scheduled", "Pending")
    ]


def test_a_deployments_page_says_what_its_preset_changes(dummy):
    from pipelines.deployments import described

    assert described(dummy, "quick") == "Counts letters. Preset quick."
    assert described(dummy, "full") == (
        "Counts letters. Preset full.\n\n| setting | quick | full |\n| --- | --- | --- |\n| `training.epochs` | 3 | 5 |"
    )
    assert "Its models never become champion." in described(dummy, "tiny")


# ------------------------------------------------------------------------------------------------ with real servers


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
    """Starts `rnn-tasks` on ports of its own: command_of("ui") -> Command."""
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

    def start(name):
        started.append(Command(tmp_path / f"{name}-{len(started)}.txt", name))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.end()


@pytest.mark.timeout(1800)  # for a machine that does other things, too
def test_a_schedule_makes_runs_and_outlives_restarts_of_both(command_of, migrated_store, home):
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

    serve = command_of("serve")
    serve.says("polling for scheduled runs")
    deployment_id = client.read_deployment_by_name("dummy/quick").id
    set_by_people(client, deployment_id, [{**EVERY_90_S, "schedule": {"interval": 4}}, NIGHTLY])
    client.resume_deployment(deployment_id)
    before = stored(client, deployment_id)
    done = serve.wait_until(lambda: len(runs := scheduled_runs("Completed")) >= 2 and runs)
    assert {run["parameters"]["config"]["model"]["quality"] for run in done} == {0.75}

    for command in (serve, ui):
        assert command.end() == 0
    assert "Traceback" not in serve.output.read_text()
    assert "Warning" not in serve.output.read_text()
    ui = command_of("ui")
    ui.says("Ctrl-C stops both.")
    assert stored(client, deployment_id) == before
    serve = command_of("serve")
    serve.wait_until(lambda: {run["id"] for run in scheduled_runs("Completed")} - {run["id"] for run in done})
    assert stored(client, deployment_id) == before
    assert {run.data.metrics["test_accuracy"] for run in tracking.runs_of("dummy") if run.data.metrics} == {0.75}
    assert serve.end() == 0

    with contextlib.closing(sqlite3.connect(settings.prefect_home / "prefect.db")) as store:
        store.execute("ALTER TABLE deployment_schedule RENAME TO hidden")
    ui.says("Prefect's server: ERROR | docket.dependencies - ")
    told = ui.output.read_text().splitlines()[-1]
    assert "schedule_recent_deployments" in told
    assert told.endswith("OperationalError: (sqlite3.OperationalError) no such table: deployment_schedule")
    assert "Traceback (most recent call last):" in settings.prefect_log.read_text()
    assert ui.end() == 0
