"""The output of servers: it is kept in rotated files, and each error is passed on as one line.

A server's output comes through a pipe and is cut into log records: a line that names a level, together with what
follows it, such as a traceback. So one reader serves every server, however it logs or breaks.
"""

from __future__ import annotations

import fcntl
import logging
import os
import re
import select
import threading
import time
from collections.abc import Callable, Iterator
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import IO

FILE_BYTES, FILES_KEPT = 5_000_000, 3  # and so many older files beside each; .1 is the newest
SILENCE_SECONDS = 0.5  # after such a pause of its writer, a record is complete
RECORD_BYTES = 200_000  # a longer record is cut here
REPEAT_SECONDS = 600.0  # a service that always fails does so every few seconds
RETRIED = "database is locked"  # SQLite lets one write at a time; Prefect retries: kept, not told

_LEVEL = re.compile(r"[\d\WTZ]*\b(?P<level>DEBUG|INFO|WARN(?:ING)?|ERROR|CRITICAL|FATAL)\b")  # at most a time before it
_TRACEBACK = "Traceback (most recent call last):"
_CHAINED = ("following exception:", "another exception occurred:")  # then come a blank line and the next traceback
_GROUP_MARK = re.compile(r"^ *[|+] ?")  # how Python draws the parts of an exception group
_ERRORS, _GRAVE = {"ERROR", "CRITICAL", "FATAL"}, {"WARN", "WARNING", "ERROR", "CRITICAL", "FATAL"}


def keep(output: IO[bytes], path: Path, tell: Callable[[str], None]) -> threading.Thread:
    """Keep all of a server's output in a file, until it ends, in a thread of its own.

    Args:
        output: the reading end of the server's pipe; closed at the end.
        path: the file, rotated; other processes may write to it at the same time.
        tell: gets each record of an error as one line; the same one again only after ten minutes.
    """

    def run() -> None:
        told: dict[str, float] = {}
        with output:
            for record in records(output.fileno()):
                append(path, record)
                line = error_line(record)
                if line is None or RETRIED in line:
                    continue
                key, now = re.sub(r"\d+", "0", line), time.monotonic()  # durations and ids differ each time
                if now - told.get(key, -REPEAT_SECONDS) >= REPEAT_SECONDS:
                    told[key] = now
                    tell(line)

    thread = threading.Thread(target=run, daemon=True, name=f"keeps {path.name}")
    thread.start()
    return thread


def records(descriptor: int) -> Iterator[str]:
    """Log records as they are written, each without its own time and without the line end."""
    buffer, lines = b"", list[str]()
    while True:
        if (lines or buffer) and not select.select([descriptor], [], [], SILENCE_SECONDS)[0]:
            yield from _cut([*lines, *_decoded(buffer)])
            buffer, lines = b"", []
        chunk = os.read(descriptor, 1 << 16)
        *whole, buffer = (buffer + chunk).split(b"\n")
        for line in _decoded(*whole):
            if lines and _begins_a_record(line, lines):
                yield from _cut(lines)
                lines = []
            lines.append(line)
        if not chunk or sum(map(len, lines)) + len(buffer) > RECORD_BYTES:
            yield from _cut([*lines, *_decoded(buffer)])
            buffer, lines = b"", []
        if not chunk:
            return


def error_line(record: str) -> str | None:
    """A record of an error in one line: what it says, and the exception of its traceback. None for other records."""
    level = _LEVEL.match(record)
    if (level and level["level"] not in _ERRORS) or not (level or _TRACEBACK in record):
        return None
    head, *rest = record.splitlines()
    said = "" if _TRACEBACK in head else " ".join(head.split())
    exception = _exception(rest if said else [head, *rest])
    return ": ".join(part for part in (said.rstrip(":"), exception) if part)


def append(path: Path, record: str) -> None:
    """One more record at the end of a rotated file, with the time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)  # several processes write to one file, and rotate it
        handler = RotatingFileHandler(path, maxBytes=FILE_BYTES, backupCount=FILES_KEPT, encoding="utf-8", delay=True)
        handler.setFormatter(logging.Formatter("%(asctime)s  %(message)s", "%Y-%m-%d %H:%M:%S"))
        handler.emit(logging.makeLogRecord({"msg": record, "levelno": logging.INFO}))
        handler.close()
    finally:
        os.close(lock)


def _begins_a_record(line: str, before: list[str]) -> bool:
    """Whether a line begins a new record, and does not belong to the record of the lines before it."""
    if _LEVEL.match(line):
        return True
    if not line.startswith((_TRACEBACK, f"  + Exception Group {_TRACEBACK}")) or before[-2:][0].endswith(_CHAINED):
        return False
    level = _LEVEL.match(before[0])
    return not (level and level["level"] in _GRAVE)


def _cut(lines: list[str]) -> Iterator[str]:
    """One record, from its lines, as it is kept; nothing if they are blank."""
    record = "\n".join(lines).strip("\n")
    if record.strip():
        level = _LEVEL.match(record)
        yield record[level.start("level") :] if level else record


def _decoded(*lines: bytes) -> list[str]:
    return [line.decode(errors="replace").rstrip("\r") for line in lines]


def _exception(lines: list[str]) -> str | None:
    """The line that names the exception behind the last traceback in some lines."""
    plain = [_GROUP_MARK.sub("", line) for line in lines]
    starts = [number for number, line in enumerate(plain) if line.endswith(_TRACEBACK)]
    behind = plain[starts[-1] + 1 :] if starts else []
    return next((line for line in behind if line and not line.startswith(" ")), None)
