"""A home of its own for every test, one MLflow store migrated for all, one Prefect server for all."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest
from absl import logging as absl_logging

HERE = Path(__file__).parent
# Importing `pipelines` fixes where Prefect keeps its things, so the session's home has to be set before.
SESSION_HOME = tempfile.TemporaryDirectory(prefix="rnn-tasks-test-")
Path(SESSION_HOME.name, "mlruns").mkdir()
os.environ |= {"RNN_TASKS_HOME": SESSION_HOME.name, "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL"}
os.environ.pop("RNN_TASKS_CACHE", None)
# TensorFlow's log handler keeps what standard error is when it is imported, which may be pytest's own file, and closes
# it when a flow in this process configures logging. It closes no stream that is the interpreter's.
absl_logging.get_absl_handler().python_handler.stream = sys.__stderr__
sys.path.insert(0, str(HERE))  # so that `dummy_task` can be imported by its name, as a task is


@pytest.fixture(scope="session", autouse=True)
def migrated_store():
    """A new MLflow store, to be copied, and a new one of Prefect beside it.

    Meanwhile Prefect's temporary server runs over a store of its own, shared by all tests and their processes.
    """
    from pipelines import servers
    from pipelines.settings import get_settings

    settings = get_settings()
    wait_for_prefect = servers.start_prefect_api(settings)
    from prefect.settings import PREFECT_API_URL, temporary_settings

    from pipelines import tracking

    tracking.runs_of("none")
    wait_for_prefect()
    with (
        contextlib.closing(sqlite3.connect(settings.prefect_home / "prefect.db")) as used,
        contextlib.closing(sqlite3.connect(settings.home / "mlruns" / "prefect.db")) as unused,
    ):
        used.backup(unused)
    with temporary_settings({PREFECT_API_URL: os.environ["PREFECT_API_URL"]}):
        yield settings.home / "mlruns" / "mlflow.db"


@pytest.fixture(scope="session")
def new_home(migrated_store):
    """Makes a project root with an empty MLflow store, to which the environment points: with new_home(directory)."""
    from pipelines.settings import get_settings

    @contextlib.contextmanager
    def made(directory):
        before = dict(os.environ)
        root = directory / "home"
        (root / "mlruns").mkdir(parents=True)
        shutil.copy(migrated_store, root / "mlruns")
        os.environ["RNN_TASKS_HOME"] = str(root)
        os.environ.pop("RNN_TASKS_CACHE", None)
        os.environ["DUMMY_LOG"] = str(directory / "dummy.log")
        get_settings().export_environment()
        yield root
        os.environ.clear()
        os.environ.update(before)

    return made


@pytest.fixture
def home(tmp_path, new_home):
    """A project root of a test's own."""
    with new_home(tmp_path) as root:
        yield root


@pytest.fixture
def dummy():
    """The dummy task, registered as the only one."""
    import dummy_task

    from rnn_tasks import registry

    before = dict(registry.TASK_MODULES)
    registry.TASK_MODULES.clear()
    registry.TASK_MODULES["dummy"] = "dummy_task"
    yield dummy_task.TASK
    registry.TASK_MODULES.clear()
    registry.TASK_MODULES.update(before)  # in their order


@pytest.fixture
def train_alone(tmp_path, home, dummy):
    """Of the chain only what those read who start many runs: a run in MLflow, trained and evaluated."""
    from pipelines import tracking, trial
    from pipelines.metric_logger import MetricLogger
    from rnn_tasks.task import Prepared

    def start(config):
        data = config.data
        words = Path(data.source).read_text().split() if data.source != "embedded" else ["one", "two", "three"]
        counts = {"train": len(words), "test": data.test_words}
        digest = f"{data.source}-{data.test_words}"
        prepared = Prepared(directory=tmp_path, digest="d", counts=counts, source=data.source, test_digest=digest)
        run_id = tracking.create_run(dummy, config, prepared)
        work_dir = tmp_path / run_id
        work_dir.mkdir()
        with tracking.recording(run_id):
            tracking.log_metrics(run_id, {"seconds/prepare": 0.5})
            trained = dummy.train(config, prepared, work_dir, [MetricLogger(run_id), *trial.callbacks()])
            tracking.log_training(run_id, trained)
            tracking.log_report(run_id, dummy.evaluate(config, prepared, trained, work_dir))
        return SimpleNamespace(run_id=run_id)

    return start


@pytest.fixture
def command(home):
    """Runs `rnn-tasks` with the dummy task in a process of its own: command("run", "dummy") -> CompletedProcess.

    `command.start` gives the process as soon as it runs.
    """

    def run(*arguments: str, stdin: str = "", **environment: str) -> subprocess.CompletedProcess:
        process = start(*arguments, **environment)
        try:
            out, err = process.communicate(stdin, timeout=500)
        finally:
            process.kill()
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def start(*arguments: str, **environment: str) -> subprocess.Popen:
        return subprocess.Popen(
            [sys.executable, str(HERE / "dummy_command.py"), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(HERE), **environment},
            cwd=home,
        )

    run.start = start
    return run


@pytest.fixture
def in_process(home, dummy, monkeypatch, capfd):
    """Runs the command here, with the dummy task as the only one: in_process("list") -> (code, stdout, stderr)."""
    from pipelines import cli

    monkeypatch.chdir(home)

    def run(*arguments):
        capfd.readouterr()
        with pytest.raises(SystemExit) as exit_:
            cli.main(list(arguments))
        return exit_.value.code, *capfd.readouterr()

    return run


@pytest.fixture
def open_terminal(monkeypatch):
    """Makes standard error a terminal of 60 columns; to be called in the test, for pytest sets it anew before."""
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "60")

    from pseudo_terminal import Terminal

    def opened():
        made = Terminal()
        monkeypatch.setattr(sys, "stderr", made.file)
        return made

    return opened
