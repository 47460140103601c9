"""A server's output is kept whole, cut into records, and its errors become one line each."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from pipelines import server_logs


def records_of(text):
    reader, writer = os.pipe()
    os.write(writer, text.encode())
    os.close(writer)
    try:
        return list(server_logs.records(reader))
    finally:
        os.close(reader)


SERVICE = """\
12:43:02.941 | ERROR   | docket.dependencies - ↩ [    54ms] schedule_recent_deployments(){schedule_recent_deployments}
Traceback (most recent call last):
  File "base.py", line 2000, in _exec_single_context
    self.dialect.do_execute(
sqlite3.OperationalError: no such table: deployment

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "worker.py", line 1134, in _execute
    result = await execution.function(
             ^^^^^^^^^^^^^^^^^^^^^^^^^
sqlalchemy.exc.OperationalError: (sqlite3.OperationalError) no such table: deployment
[SQL: SELECT 1]
(Background on this error at: https://sqlalche.me/e/20/e3q8)
"""
BARE = SERVICE.split("\n", 1)[1]
GROUP = """\
ERROR:    Exception in ASGI application
  + Exception Group Traceback (most recent call last):
  |   File "a.py", line 1, in <module>
  | ExceptionGroup: unhandled errors in a TaskGroup (1 sub-exception)
  +-+---------------- 1 ----------------
    | Traceback (most recent call last):
    |   File "b.py", line 2, in run
    |     raise ValueError("of the part")
    | ValueError: of the part
    +------------------------------------
"""
FAULT = "sqlalchemy.exc.OperationalError: (sqlite3.OperationalError) no such table: deployment"

ERRORS = {
    SERVICE: (
        "ERROR | docket.dependencies - ↩ [ 54ms] schedule_recent_deployments(){schedule_recent_deployments}: " + FAULT
    ),
    BARE: FAULT,
    GROUP: "ERROR: Exception in ASGI application: ValueError: of the part",
    GROUP.split("\n", 1)[1]: "ValueError: of the part",
    "2026/11/27 12:55:44 ERROR mlflow.cli: Error initializing backend store\n": (
        "ERROR mlflow.cli: Error initializing backend store"
    ),
    "[2026-11-27 12:55:44 +0000] [77] [CRITICAL] WORKER TIMEOUT (pid:78)\n": "CRITICAL] WORKER TIMEOUT (pid:78)",
}
QUIET = [
    "12:43:02.941 | WARNING | prefect.server - slow\nTraceback (most recent call last):\n  File\nValueError: retried\n",
    'INFO:     127.0.0.1:58778 - "GET /ERROR HTTP/1.1" 200 OK\n',
    "server.py:23: StarletteDeprecationWarning: an ERROR is told of\n  from starlette import x\n",
    "ERRORS are none\n",
    "  \n",
]


@pytest.mark.parametrize(("text", "line"), ERRORS.items(), ids=range(len(ERRORS)))
def test_an_error_is_one_record_and_one_line(text, line):
    (record,) = records_of(text)
    assert server_logs.error_line(record) == line


@pytest.mark.parametrize("text", QUIET, ids=range(len(QUIET)))
def test_what_is_no_error_is_not_told(text):
    assert [server_logs.error_line(record) for record in records_of(text)] in ([None], [])


def test_records_among_others_are_told_apart_and_nothing_is_lost():
    access = 'INFO:     127.0.0.1:58778 - "GET /health HTTP/1.1" 200 OK\n'
    text = "a banner\nof two lines\n" + access + BARE + SERVICE + access + access + "no line end"
    records = records_of(text)
    assert [server_logs.error_line(record) for record in records] == [None, None, FAULT, ERRORS[SERVICE], None, None]
    kept = "\n".join(records)
    for line in text.splitlines():
        assert line.removeprefix("12:43:02.941 | ") in kept


def test_a_record_that_never_ends_is_cut(monkeypatch):
    monkeypatch.setattr(server_logs, "RECORD_BYTES", 1000)
    records = records_of("ERROR: long\n" + "x" * 50_000 + "\nmore\n")
    assert "".join(records).count("x") == 50_000
    assert server_logs.error_line(records[0]) == "ERROR: long"


TALKS = """
import sys
FAILS = "12:00:00 | ERROR   | service - turn {}\\nTraceback (most recent call last):\\n  File x\\n{}"
for number in range(3):
    print(FAILS.format(number, "ValueError: broken"), flush=True)
print(FAILS.format(3, "OperationalError: database is locked"), flush=True)
sys.stderr.buffer.write(b"caf\\xe9 of no encoding\\n")
sys.stderr.flush()
sys.stdin.read()
"""


def test_what_a_server_says_is_kept_in_a_file_and_its_errors_are_told_once(tmp_path):
    path, told = tmp_path / "logs" / "server.log", []
    child = subprocess.Popen(
        [sys.executable, "-c", TALKS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    keeper = server_logs.keep(child.stdout, path, told.append)
    while not path.exists() or "no encoding" not in path.read_text():  # told while it runs, not at its end
        keeper.join(timeout=0.1)
        assert keeper.is_alive()
    assert told == ["ERROR | service - turn 0: ValueError: broken"]  # turns 1 and 2 say the same
    child.stdin.close()
    child.wait()
    keeper.join()
    text = path.read_text()
    assert text.count("ValueError: broken") == 3
    assert "database is locked" in text
    assert "caf\ufffd of no encoding" in text
    assert all(line[:4].isdigit() for line in text.splitlines() if "| ERROR" in line)  # a date before each


def test_a_file_is_rotated_and_old_ones_go(tmp_path, monkeypatch):
    monkeypatch.setattr(server_logs, "FILE_BYTES", 1000)
    path = tmp_path / "server.log"
    for number in range(100):
        server_logs.append(path, f"{number:03} " + "x" * 96)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["server.log", *(f"server.log.{n}" for n in (1, 2, 3))]
    assert all(p.stat().st_size <= 1000 for p in tmp_path.iterdir())
    assert path.read_text().splitlines()[-1].split()[2] == "099"


WRITES = """
import sys
from pathlib import Path
from pipelines import server_logs
server_logs.FILE_BYTES, server_logs.FILES_KEPT = 2000, 50
for number in range(100):
    server_logs.append(Path(sys.argv[1]), f"{sys.argv[2]}-{number} " + "x" * 50)
"""


def test_two_processes_write_to_one_file_and_rotate_it(tmp_path):
    path = tmp_path / "server.log"
    writers = [subprocess.Popen([sys.executable, "-c", WRITES, str(path), name]) for name in "ab"]
    assert [writer.wait() for writer in writers] == [0, 0]
    lines = [line for file in tmp_path.iterdir() for line in file.read_text().splitlines()]
    assert sorted(line.split()[2] for line in lines) == sorted(f"{name}-{n}" for name in "ab" for n in range(100))
