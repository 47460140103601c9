"""Prefect's server and MLflow's UI as child processes over the project's stores.

A child ends with the process that started it, even with one that was killed by `kill -9`: it watches its standard
input, whose other end only that process holds.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import logging
import os
import runpy
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pipelines import server_logs, stores
from pipelines.errors import ServerError
from pipelines.settings import Settings, get_settings
from rnn_tasks.errors import UserError
from rnn_tasks.files import write_whole

logger = logging.getLogger(__name__)

START_SECONDS = 120.0  # a server on a busy machine takes long to import itself
CHORE_SECONDS = 5.0
_EVERY_LINE = {"PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "NOTSET"}  # `run` quietens its own process, not its server


@dataclass(frozen=True)
class Server:
    """A child process that serves, and the thread that keeps what it says."""

    name: str
    process: subprocess.Popen
    log: Path
    keeper: threading.Thread
    errors: deque[str]  # the last ones that it has reported

    def check(self) -> None:
        """Raise ServerError if it has ended."""
        if (code := self.process.poll()) is not None:
            self.keeper.join(timeout=5)
            said = "; ".join(self.errors)
            raise ServerError(f"{self.name} ended with code {code}{said and f': {said}'} (its log: {self.log})")


def start_prefect_api(settings: Settings) -> Callable[[], None]:
    """Make sure that Prefect has an API: what PREFECT_API_URL names, or what `ui` runs, or a temporary server.

    Call it before Prefect is imported. Returns a function that waits until the API answers, so that the caller can
    do something useful (such as importing TensorFlow) while a temporary server starts.
    """
    settings.prefect_home.mkdir(parents=True, exist_ok=True)
    if os.environ.get("PREFECT_API_URL"):
        return lambda: None
    if url := running_prefect(settings):
        os.environ["PREFECT_API_URL"] = url
        return lambda: None
    first_use = contextlib.ExitStack()
    first_use.enter_context(stores.making_prefect_store(settings))
    port = _free_port()
    os.environ["PREFECT_API_URL"] = url = f"http://127.0.0.1:{port}/api"
    # What Prefect itself starts when it finds no server; doing so here saves importing the server in this process
    # too, and lets it start while this process imports other things.
    arguments = ["--factory", "prefect.server.api.server:create_app", "--host", "127.0.0.1", "--port", str(port)]
    quiet = {"PREFECT_UI_ENABLED": "0", "PREFECT__SERVER_EPHEMERAL": "1", "PREFECT__SERVER_FINAL": "1"}
    server = _start(
        "Prefect's temporary server",
        settings.prefect_log,
        *("uvicorn", *arguments, "--log-level", "warning"),
        environment=quiet,
    )
    atexit.register(_end, server)  # runs after Prefect, which is imported later, has sent its last lines

    def wait() -> None:
        with first_use:
            _wait_for(f"{url}/health", server)

    return wait


def running_prefect(settings: Settings) -> str | None:
    """The API of the Prefect server that `ui` runs over the same store, if it runs."""
    try:
        url = json.loads(_server_file(settings).read_bytes())["url"]
        return url if _answers(f"{url}/health") else None
    except FileNotFoundError:
        return None


def prefect_answers() -> bool:
    """Whether the API that PREFECT_API_URL names answers."""
    return _answers(f"{os.environ['PREFECT_API_URL']}/health")


@contextlib.contextmanager
def user_interfaces(settings: Settings, tell: Callable[[str], None]) -> Iterator[Callable[[], None]]:
    """Run Prefect's server and MLflow's UI during the block; once both answer, yield a check that both still run.

    Args:
        tell: gets one line for each error that a server's log tells of.

    Raises:
        UserError: a port is taken.
        ServerError: a server does not start, or (from the check) has ended.
    """
    for port, variable in ((settings.prefect_port, "PREFECT"), (settings.mlflow_port, "MLFLOW")):
        if not _is_free(port):
            raise UserError(
                f"port {port} of 127.0.0.1 is taken, perhaps by another `make ui`; "
                f"RNN_TASKS_{variable}_PORT chooses another one"
            )
    for directory in (settings.prefect_home, settings.artifacts):
        directory.mkdir(parents=True, exist_ok=True)
    stores.make_mlflow_store(settings)
    prefect = ["server", "start", "--host", "127.0.0.1", "--port", str(settings.prefect_port)]
    store = ["--backend-store-uri", settings.tracking_uri, "--default-artifact-root", settings.artifacts.as_uri()]
    mlflow = ["server", *store, "--host", "127.0.0.1", "--port", str(settings.mlflow_port), "--workers", "1"]
    api = f"{settings.prefect_url}/api"
    first_use = contextlib.ExitStack()
    first_use.enter_context(stores.making_prefect_store(settings))
    prefect_server = _start(
        "Prefect's server", settings.prefect_log, "prefect", *prefect, environment={"PREFECT_API_URL": api}, tell=tell
    )
    no_jobs = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    mlflow_server = _start("MLflow's UI", settings.mlflow_log, "mlflow", *mlflow, environment=no_jobs, tell=tell)

    def check() -> None:
        prefect_server.check()
        mlflow_server.check()

    try:
        with first_use:
            _wait_for(f"{api}/health", prefect_server)
        _wait_for(f"{settings.mlflow_url}/health", mlflow_server)
        write_whole(_server_file(settings), json.dumps({"url": api}))
        yield check
    finally:
        _server_file(settings).unlink(missing_ok=True)
        _end(prefect_server, mlflow_server)


def wait_forever(check: Callable[[], None], chore: Callable[[], None]) -> None:
    """Wait until Ctrl-C or SIGTERM comes, or `check` raises; call `chore` every few seconds."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    while True:
        check()
        try:
            chore()
        except Exception as error:  # a server too busy to answer is no reason to stop it
            logger.warning("%s: %s", type(error).__name__, error)
        time.sleep(CHORE_SECONDS)


def _server_file(settings: Settings) -> Path:
    return settings.prefect_home / "server.json"


def _start(
    name: str,
    log: Path,
    module: str,
    *arguments: str,
    environment: dict[str, str] | None = None,
    tell: Callable[[str], None] = lambda line: None,
) -> Server:
    """Start `python -m module arguments` with its output in a log file, and in its own group, which gets no Ctrl-C."""
    process = subprocess.Popen(
        [sys.executable, "-m", "pipelines.servers", module, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        env={**os.environ, **_EVERY_LINE, **(environment or {})},
    )
    errors = deque[str](maxlen=2)  # the last one often says only that the server gives up

    def heard(line: str) -> None:
        errors.append(line)
        tell(f"{name}: {line}")

    assert process.stdout is not None
    return Server(name, process, log, server_logs.keep(process.stdout, log, heard), errors)


def _end(*servers: Server) -> None:
    for server in servers:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.process.pid, signal.SIGTERM)
    for server in servers:
        try:
            server.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            os.killpg(server.process.pid, signal.SIGKILL)
            server.process.wait()
        server.keeper.join(timeout=5)  # until its last lines are kept


def _wait_for(url: str, server: Server) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not _answers(url):
        server.check()
        if time.monotonic() > deadline:
            raise ServerError(f"{server.name} did not answer at {url} within {START_SECONDS:.0f} s (log: {server.log})")
        time.sleep(0.1)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return response.status == 200
    except (urllib.error.URLError, OSError):
        return False


def _is_free(port: int) -> bool:
    with contextlib.closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _free_port() -> int:
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _end_with_parent() -> None:
    while os.read(sys.stdin.fileno(), 1):  # nothing is ever sent; this ends when the parent is gone
        pass
    os.killpg(0, signal.SIGTERM)


if __name__ == "__main__":
    threading.Thread(target=_end_with_parent, daemon=True).start()
    sys.argv = sys.argv[1:]
    get_settings().export_environment()
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
