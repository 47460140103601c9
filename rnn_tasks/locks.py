"""Locks that let only one process at a time make something."""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
from collections.abc import Iterator
from pathlib import Path

from rnn_tasks import activity

logger = logging.getLogger(__name__)


@contextlib.contextmanager
def alone(path: Path, work: str) -> Iterator[None]:
    """Hold a lock file until the block or the process ends in any way; other processes wait, and log that they wait.

    Args:
        path: the lock file, which is made here and removed afterwards; processes that make the same thing use the same
            file.
        work: the work of the block, for the log of waiting processes: "prepares data".

    Raises:
        OSError: the file cannot be made, or its file system does not support locks.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    waited = False
    while True:
        handle = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o666)
        try:
            if not _try_lock(handle):
                if not waited:
                    logger.info("waiting for another process, which %s", work)
                waited = True
                with activity.doing(f"waiting for another process, which {work}"):
                    fcntl.flock(handle, fcntl.LOCK_EX)
            if _is_at(path, handle):
                break
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)  # the last owner removed the file after we had opened it: try again
    try:
        yield
    finally:
        path.unlink(missing_ok=True)  # before the lock is released: the next owner then sees that the file is gone
        os.close(handle)


def _try_lock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_at(path: Path, handle: int) -> bool:
    """Whether `path` still is the file that `handle` opened."""
    try:
        return os.path.samestat(os.fstat(handle), os.stat(path))
    except FileNotFoundError:
        return False
