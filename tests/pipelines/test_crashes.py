"""Prefect is told of flow runs whose process was killed, and of no others."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from uuid import uuid4

import pytest
from httpx import ConnectError
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter
from prefect.states import Completed, Running

from pipelines import crashes, servers
from pipelines.settings import get_settings

DIES = """
import os, signal, sys
from pipelines import crashes
with crashes.noticed(sys.argv[1]):
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def prefect(home):
    with get_client(sync_client=True) as client:
        yield client


@pytest.fixture
def flow_run(prefect):
    """Makes a flow run in a state, with a task run in the same: flow_run(Running()) -> its id."""

    def make(state):
        from prefect import flow, task

        made = prefect.create_flow_run(flow(name="crashes")(lambda: None), state=state)
        prefect.create_task_run(task(name="stage")(lambda: None), made.id, dynamic_key="0", state=state)
        return made.id

    return make


def states(prefect, flow_run_id):
    (stage,) = prefect.read_task_runs(flow_run_filter=FlowRunFilter(id={"any_": [flow_run_id]}))
    return prefect.read_flow_run(flow_run_id).state.name, stage.state.name


def killed_process(flow_run_id):
    done = subprocess.run([sys.executable, "-c", DIES, str(flow_run_id)], env=os.environ)
    assert done.returncode == -signal.SIGKILL


def left():
    return {path.name for path in (get_settings().prefect_home / "running").iterdir()}


def test_a_flow_run_whose_process_was_killed_has_crashed_and_a_living_one_runs_on(prefect, flow_run):
    dead, alive, ended = flow_run(Running()), flow_run(Running()), flow_run(Completed())
    killed_process(dead)
    killed_process(ended)  # killed after it had told Prefect of its end
    with crashes.noticed(str(alive)):
        crashes.mark_crashed()
        assert states(prefect, dead) == ("Crashed", "Crashed")
        assert states(prefect, alive) == ("Running", "Running")
        assert states(prefect, ended) == ("Completed", "Completed")
        assert left() == {str(alive)}
    assert left() == set()


def test_a_flow_run_of_another_server_is_left_to_it(prefect, flow_run):
    known, unknown = flow_run(Running()), uuid4()
    killed_process(known)
    killed_process(unknown)
    crashes.mark_crashed()
    assert states(prefect, known) == ("Crashed", "Crashed")
    assert left() == {str(unknown)}


def test_an_error_in_a_block_is_no_crash(home):
    with pytest.raises(ZeroDivisionError), crashes.noticed(str(uuid4())):
        raise ZeroDivisionError
    assert left() == set()


def test_a_flow_run_that_lost_its_server_is_noticed_when_one_answers_again(prefect, flow_run):
    """It ends with an error of its own, but nobody was there to be told of it."""
    left_alone = flow_run(Running())
    with pytest.raises(ConnectError), crashes.noticed(str(left_alone)):
        raise ConnectError("connection refused")
    assert left() == {str(left_alone)}
    crashes.mark_crashed()
    assert states(prefect, left_alone) == ("Crashed", "Crashed")
    assert left() == set()


def test_one_process_alone_serves(home, monkeypatch):
    monkeypatch.setattr(servers, "running_prefect", lambda settings: "http://127.0.0.1:1/api")
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:1/api")
    with crashes.serving_alone() as first:
        assert first
        with crashes.serving_alone() as second:
            assert not second
    with crashes.serving_alone() as third:
        assert third
    monkeypatch.setenv("PREFECT_API_URL", "http://elsewhere:4200/api")  # where others may serve, too
    with crashes.serving_alone() as fourth:
        assert not fourth


def test_a_waiting_server_does_its_chore_again_after_an_error(monkeypatch, caplog):
    monkeypatch.setattr(servers, "CHORE_SECONDS", 0)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    errors = [TimeoutError("busy"), None, KeyboardInterrupt()]

    def chore():
        if (error := errors.pop(0)) is not None:
            raise error

    with pytest.raises(KeyboardInterrupt):
        servers.wait_forever(lambda: None, chore)
    assert errors == []
    assert caplog.messages == ["TimeoutError: busy"]
