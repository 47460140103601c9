"""A lock is one process's at a time, and nobody's after its process has died."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading

import pytest

from rnn_tasks.locks import alone

COUNTS = """
import sys, time
from pathlib import Path
from rnn_tasks.locks import alone
lock, counter = Path(sys.argv[1]), Path(sys.argv[2])
for _ in range(50):
    with alone(lock, "counts"):
        count = int(counter.read_text())
        time.sleep(0.001)
        counter.write_text(str(count + 1))
"""

DIES = """
import os, signal, sys
from pathlib import Path
from rnn_tasks.locks import alone
with alone(Path(sys.argv[1]), "dies"):
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_is_read_and_written_under_a_lock_is_never_another_process_s(at_once, tmp_path):
    lock, counter = tmp_path / "made" / ".lock", tmp_path / "counter"
    counter.write_text("0")
    at_once(COUNTS, lock, counter)
    assert counter.read_text() == "150"
    assert os.listdir(lock.parent) == []


def test_the_lock_of_a_killed_process_is_free(tmp_path, caplog):
    caplog.set_level(logging.INFO, "rnn_tasks")
    lock = tmp_path / ".lock"
    killed = subprocess.run([sys.executable, "-c", DIES, str(lock)])
    assert killed.returncode == -signal.SIGKILL
    assert lock.exists()
    with alone(lock, "goes on"):
        assert lock.exists()
    assert not lock.exists()
    assert caplog.messages == []


def test_who_waits_says_what_for(tmp_path, caplog):
    caplog.set_level(logging.INFO, "rnn_tasks")
    lock = tmp_path / ".lock"
    order = []

    def second():
        with alone(lock, "prepares the same data"):
            order.append("second")

    thread = threading.Thread(target=second)
    with alone(lock, "prepares the same data"):
        thread.start()
        while not caplog.messages:
            thread.join(0.01)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]
    assert caplog.messages == ["waiting for another process, which prepares the same data"]


def test_an_error_in_the_block_frees_the_lock(tmp_path):
    with pytest.raises(ZeroDivisionError), alone(tmp_path / ".lock", "fails"):
        raise ZeroDivisionError
    assert os.listdir(tmp_path) == []
