"""One process at a time: what several of them would otherwise make at the same moment."""

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
    """Hold a lock file in the block, until it or the process ends, however it ends; others wait, and say so.

    Args:
        path: the lock file, made here and gone afterwards; those who make the same thing name the same file.
        work: what is done in the block, for the log of those who wait: "prepares data".

    Raises:
        OSError: the file cannot be made, or its file system knows no locks.
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
        os.close(handle)  # its last owner removed the file between our two steps: try again
    try:
        yield
    finally:
        path.unlink(missing_ok=True)  # while it is held: who gets the lock afterwards sees that the file is gone
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
