"""What tests of several packages share."""

from __future__ import annotations

import contextlib
import gc
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from unittest import mock

import pytest

from rnn_tasks import activity

sys.path.insert(0, str(Path(__file__).parent))  # so that tests of every folder can import `new_process`

gc.disable()  # until all is imported: searching that for garbage takes a fifth of the time of tests that trace


def pytest_collection_finish():
    gc.freeze()
    gc.enable()


def pytest_collection_modifyitems(items):
    """What takes longest comes first, so that no worker ends long after the others."""
    items.sort(key=lambda item: (item.path.stem != "test_every_task", item.path.parent.name != "pipelines"))


@pytest.hookimpl(optionalhook=True)  # without pytest-xdist there is no such hook
def pytest_xdist_make_scheduler(config, log):
    """Deal the tests out to workers: a file's stay together, but those over the registry go task by task."""
    from xdist.scheduler import LoadScopeScheduling

    class ByFileOrTask(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            path, _, name = nodeid.partition("::")
            task = name.partition("[")[2].rstrip("]").partition("-")[0]
            return f"{path}-{task}" if path.endswith("test_every_task.py") else path

    return ByFileOrTask(config, log)


@pytest.fixture
def at_once():
    """Runs a Python program in three processes at once: at_once(program, *arguments) -> their standard outputs."""

    def run(program: str, *arguments: object, **options: object) -> list[str]:
        def one(number: int) -> str:
            command = [sys.executable, "-c", program, *map(str, arguments), str(number)]
            done = subprocess.run(command, capture_output=True, text=True, timeout=300, **options)
            assert done.returncode == 0, done.stderr
            return done.stdout

        with ThreadPoolExecutor(3) as pool:
            return list(pool.map(one, range(3)))

    return run


@pytest.fixture(scope="session")
def all_activities():
    """A context manager: `with all_activities() as begun` lists what is begun inside, as it stands at its end."""

    @contextlib.contextmanager
    def noted():
        begun, original = [], activity._going_on

        def going_on(this):
            begun.append(this)
            return original(this)

        with activity.watched("test") as watched, mock.patch.object(activity, "_going_on", going_on):
            yield begun
            assert watched.chain() == [watched]  # none of them goes on

    return noted
