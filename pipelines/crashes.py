"""Flow runs whose process died before it could tell Prefect.

Prefect hears of a flow run's end from the process that runs it. One that is killed (kill -9, no memory left, a power
cut) stays "Running" for ever. Prefect's own remedy, heartbeats, needs a server that always runs and an automation in
it; here most runs start a server of their own, which ends with them. So each process holds a lock on a file that is
named after its flow run: a file that nobody has locked belongs to a flow run that crashed.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

from pipelines import servers
from pipelines.settings import get_settings

if TYPE_CHECKING:
    from prefect.client.schemas.objects import State


@contextlib.contextmanager
def noticed(flow_run_id: str) -> Iterator[None]:
    """If this process dies inside the block, or leaves it because no server answers, `mark_crashed` will see it."""
    directory = _directory()
    directory.mkdir(parents=True, exist_ok=True)
    aside, path = directory / f"{flow_run_id}.new", directory / flow_run_id
    handle = os.open(aside, os.O_CREAT | os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        os.replace(aside, path)  # it is locked before it gets the name that others look for
        yield
    finally:
        if not _lacks_a_server(sys.exception()):
            path.unlink(missing_ok=True)
        os.close(handle)


@contextlib.contextmanager
def serving_alone() -> Iterator[bool]:
    """Yield whether, during the block, only this process serves deployments of the server that `ui` runs here."""
    directory = get_settings().prefect_home
    directory.mkdir(parents=True, exist_ok=True)
    handle = os.open(directory / "serving", os.O_CREAT | os.O_RDONLY)
    try:
        yield _locked(handle) and os.environ.get("PREFECT_API_URL") == servers.running_prefect(get_settings())
    finally:
        os.close(handle)


def mark_crashed() -> None:
    """Tell Prefect which flow runs, and which of their task runs, ended with a process that died."""
    left = [path for path in _directory().glob("*") if not path.suffix and _is_left(path)]
    if not left:
        return  # without importing anything
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
    from prefect.exceptions import ObjectNotFound
    from prefect.states import Crashed

    def crashed() -> State:
        return Crashed(message="The process that ran this was killed.")

    with get_client(sync_client=True) as client:
        for path in left:
            flow_run_id = UUID(path.name)
            try:
                flow_run = client.read_flow_run(flow_run_id)
            except ObjectNotFound:
                continue  # it belongs to another Prefect server
            for run in client.read_task_runs(flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=[flow_run_id]))):
                if run.state and not run.state.is_final():
                    client.set_task_run_state(run.id, crashed())
            if flow_run.state and not flow_run.state.is_final():
                client.set_flow_run_state(flow_run_id, crashed())
            path.unlink(missing_ok=True)


def _directory() -> Path:
    return get_settings().prefect_home / "running"


def _lacks_a_server(error: BaseException | None) -> bool:
    """Whether Prefect's server could not be reached; then it does not learn of the error, either."""
    if error is None:
        return False
    from httpx import TransportError

    return isinstance(error, TransportError)


def _locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_left(path: Path) -> bool:
    """Whether nobody holds the lock on a file."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except FileNotFoundError:  # its run has just ended
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    else:
        return True
    finally:
        os.close(handle)
