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
from pipelines.settings import Settings
from rnn_tasks.errors import UserError


def test_a_server_does_not_outlive_a_parent_that_is_killed():
    program = (
        "from pipelines import servers\n"
        "import time\n"
        "print(servers._start('http.server', '0', '--bind', '127.0.0.1').pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
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
        with pytest.raises(UserError) as error, servers.user_interfaces(settings):
            pass
    assert str(error.value) == (
        f"port {port} of 127.0.0.1 is taken, perhaps by another `make ui`; RNN_TASKS_MLFLOW_PORT chooses another one"
    )


def test_a_server_that_is_gone_is_not_running(home):
    settings = Settings()
    settings.prefect_home.mkdir(parents=True)
    (settings.prefect_home / "server.json").write_text('{"url": "http://127.0.0.1:9/api"}')
    assert servers.running_prefect(settings) is None
