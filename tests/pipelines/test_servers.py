"""Child processes end with the process that started them, and taken ports are told in one line."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time

import pytest

from pipelines import servers
from pipelines.errors import ServerError
from pipelines.settings import Settings
from rnn_tasks.errors import UserError


def test_a_server_does_not_outlive_a_parent_that_is_killed(tmp_path):
    program = (
        "from pathlib import Path\n"
        "from pipelines import servers\n"
        "import sys, time\n"
        "server = servers._start('a server', Path(sys.argv[1]), 'http.server', '0', '--bind', '127.0.0.1')\n"
        "print(server.process.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "server.log")]
    parent = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    child = int(parent.stdout.readline())
    os.kill(child, 0)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    for _ in range(600):
        try:
            os.kill(child, 0)
        except ProcessLookupError:
            return
        time.sleep(0.1)
    os.kill(child, signal.SIGKILL)
    pytest.fail("the server is still there a minute after its parent was killed")


def test_a_taken_port_is_the_users_to_solve(home):
    with socket.socket() as taken, socket.socket() as free:
        for one in (taken, free):
            one.bind(("127.0.0.1", 0))
        taken.listen()
        port, free_port = (one.getsockname()[1] for one in (taken, free))
        free.close()
        settings = Settings(prefect_port=free_port, mlflow_port=port)
        with pytest.raises(UserError) as error, servers.user_interfaces(settings, tell=print):
            pass
    assert str(error.value) == (
        f"port {port} of 127.0.0.1 is taken, perhaps by another `make ui`; RNN_TASKS_MLFLOW_PORT chooses another one"
    )


def test_a_server_that_does_not_start_says_why(tmp_path):
    log, told = tmp_path / "logs" / "server.log", []
    server = servers._start("A server", log, "http.server", "no-port", tell=told.append)
    with pytest.raises(ServerError) as error:
        servers._wait_for("http://127.0.0.1:9", server)
    assert str(error.value) == f"A server ended with code 2 (its log: {log})"
    assert "invalid int value: 'no-port'" in log.read_text()

    server = servers._start("A server", log, "no_such_module", tell=told.append)
    with pytest.raises(ServerError) as error:
        servers._wait_for("http://127.0.0.1:9", server)
    assert str(error.value) == (
        f"A server ended with code 1: ImportError: No module named no_such_module (its log: {log})"
    )
    assert told == ["A server: ImportError: No module named no_such_module"]


def test_the_temporary_server_of_a_run_leaves_its_errors_behind(home, monkeypatch):
    monkeypatch.delenv("PREFECT_API_URL")
    monkeypatch.setenv("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")  # as `run` sets it for itself
    monkeypatch.setenv("PREFECT_SERVER_DATABASE_CONNECTION_URL", f"sqlite+aiosqlite:///{home}/none/prefect.db")
    settings = Settings()
    with pytest.raises(ServerError) as error:
        servers.start_prefect_api(settings)()
    assert str(error.value) == (
        "Prefect's temporary server ended with code 3: sqlalchemy.exc.OperationalError: (sqlite3.OperationalError) "
        "unable to open database file; ERROR | uvicorn.error - Application startup failed. Exiting. "
        f"(its log: {home}/mlruns/logs/prefect.log)"
    )
    assert "unable to open database file" in settings.prefect_log.read_text()


def test_a_server_that_is_killed_is_noticed(tmp_path):
    log = tmp_path / "server.log"
    server = servers._start("A server", log, "http.server", "0", "--bind", "127.0.0.1")
    server.check()
    server.process.kill()
    with pytest.raises(ServerError) as error:
        servers.wait_forever(lambda: (server.process.wait(), server.check()), lambda: None)
    assert str(error.value) == f"A server ended with code -9 (its log: {log})"


def test_a_server_that_is_gone_is_not_running(home):
    settings = Settings()
    settings.prefect_home.mkdir(parents=True)
    (settings.prefect_home / "server.json").write_text('{"url": "http://127.0.0.1:9/api"}')
    assert servers.running_prefect(settings) is None
