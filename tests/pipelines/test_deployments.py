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
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterId, LogFilter, LogFilterFlowRunId
from prefect.flows import EntrypointType
from prefect.states import Completed, Pending, Running, Scheduled

from pipelines import missed, schedules, tracking
from pipelines.settings import Settings
from rnn_tasks.errors import UserError

HERE = Path(__file__).parent
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
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


def test_schedules_of_the_command_line_come_and_go_beside_those_of_people(prefect, deployment):
    name = uuid4().hex

    def served(*texts):
        again = deployment(name)
        again.schedules = schedules.parse([f"dummy/full={text}" for text in texts]).get(("dummy", "full"), [])
        deployment_id = asyncio.run(again.aapply())
        found = stored(prefect, deployment_id)
        ours = [one for one in found["schedules"] if (one["slug"] or "").startswith(schedules.OURS)]
        times = {one["schedule"].get("cron") or one["schedule"]["interval"]: one["id"] for one in ours}
        return deployment_id, found, times

    deployment_id, _, times = served("0 3 * * *")  # on a deployment that is made, too
    assert list(times) == ["0 3 * * *"]
    set_by_people(prefect, deployment_id, [EVERY_90_S, NIGHTLY])
    before = {one["id"]: one for one in stored(prefect, deployment_id)["schedules"] if one["id"] not in times.values()}
    _, first, kept = served("0 3 * * *", "every 2h", "0  3 * * *")
    assert kept == {**times, 7200.0: kept[7200.0]}
    assert served("every 2h", "0 3 * * *")[1:] == (first, kept)  # not even written
    _, _, left = served("every 2h")
    assert left == {7200.0: kept[7200.0]}
    _, last, none = served()
    assert none == {}
    assert {one["id"]: one for one in last["schedules"]} == before
    assert (last["parameters"], last["paused"]) == ({"config": {"model": {"quality": 0.25}}}, True)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("dummy=0 25 * * *", "found '0 25 * * *'; accepted is a cron expression of five fields, or every and a number"),
        ("dummy=0 0 3 * * *", "found '0 0 3 * * *'; accepted is"),
        ("dummy=", "found ''; accepted is"),
        ("dummy=every 0s", "found 'every 0s'; accepted is"),
        ("dummy=every 5", "found 'every 5'; accepted is"),
        ("dummy", "expected TASK=WHEN"),
        ("=0 3 * * *", "expected TASK=WHEN"),
        ("dummi=0 3 * * *", "unknown task 'dummi'; did you mean 'dummy'?"),
        ("dummy/huge=0 3 * * *", "task 'dummy' has the presets quick, full, tiny"),
    ],
)
def test_a_schedule_that_is_none_is_one_line(dummy, text, message):
    with pytest.raises(UserError) as error:
        schedules.parse(["dummy=0 3 * * *", text])
    assert message in str(error.value)


def test_runs_that_were_taken_and_never_began_are_scheduled_again(prefect, deployment):
    ours, others = (asyncio.run(deployment(name).aapply()) for name in ("full", uuid4().hex))
    states = [Pending(name="Submitting"), Running(), Completed(), Scheduled()]
    runs = []
    for where, state in [*((ours, state) for state in states), (others, Pending())]:
        runs.append(prefect.create_flow_run_from_deployment(where, parameters={"config": {}}).id)
        prefect.set_flow_run_state(runs[-1], state, force=True)
    missed.run_again_what_never_began([("dummy", "full")])
    assert [prefect.read_flow_run(run).state.name for run in runs] == [
        *("Scheduled", "Running", "Completed", "Scheduled", "Pending")
    ]


def test_what_was_due_while_nothing_served_runs_once_and_says_so(prefect, deployment, caplog):
    name = uuid4().hex
    deployment_id = asyncio.run(deployment(name).aapply())
    set_by_people(prefect, deployment_id, [EVERY_90_S, NIGHTLY])
    prefect.request("POST", "/deployments/{id}/resume_deployment", path_params={"id": deployment_id})
    by_hand = prefect.create_flow_run_from_deployment(deployment_id, state=Scheduled(scheduled_time=LONG_AGO)).id

    def runs():
        found = prefect.read_flow_runs(deployment_filter=DeploymentFilter(id=DeploymentFilterId(any_=[deployment_id])))
        return sorted(found, key=lambda run: run.expected_start_time)

    plan = {"start_time": "2030-01-01T00:00:00Z", "end_time": "2030-01-01T00:10:00Z", "min_runs": 5}
    prefect.request("POST", "/deployments/{id}/schedule", path_params={"id": deployment_id}, json=plan)
    planned = [run for run in runs() if run.auto_scheduled]
    assert len(planned) >= 5
    now = planned[3].expected_start_time + timedelta(seconds=30)  # the fourth is overdue, the fifth is still to come
    with caplog.at_level("WARNING"):
        missed.run_once_what_was_due([("dummy", name)], now)
    states = {run.id: run.state.name for run in runs()}
    assert [states.pop(run.id) for run in planned] == [*["Missed"] * 4, *["Scheduled"] * (len(planned) - 4)]
    assert states.pop(by_hand) in ("Scheduled", "Late")
    ((late, state),) = states.items()
    assert state == "Scheduled"
    assert prefect.read_flow_run(late).parameters == planned[3].parameters == EVERY_90_S["parameters"]
    said = (
        f"due at {planned[3].expected_start_time:%Y-%m-%d %H:%M:%S} UTC, while nothing served; it runs now, late, and "
        "once for 4 that were due"
    )
    assert caplog.messages == [f"dummy/{name}: {said}"]
    (line,) = prefect.read_logs(LogFilter(flow_run_id=LogFilterFlowRunId(any_=[late])))
    assert line.message == said

    missed.run_once_what_was_due([("dummy", name)], now)
    assert len(runs()) == len(planned) + 2


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

    with contextlib.closing(sqlite3.connect(settings.prefect_home / "prefect.db")) as store:
        store.execute("ALTER TABLE deployment_schedule RENAME TO hidden")
    ui.says("Prefect's server: ERROR | docket.dependencies - ")
    told = ui.output.read_text().splitlines()[-1]
    assert "schedule_recent_deployments" in told
    assert told.endswith("OperationalError: (sqlite3.OperationalError) no such table: deployment_schedule")
    assert "Traceback (most recent call last):" in settings.prefect_log.read_text()
    assert ui.end() == 0
