"""The directory in which one run works until it is finished, so that it can be taken up again after a kill.

It is named by the task and the config, locked while a process works in it, and holds `run.json`, which says
which MLflow run it belongs to. A finished run removes it.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from rnn_tasks.config import TaskConfig
from rnn_tasks.errors import UserError
from rnn_tasks.files import json_digest, write_whole
from rnn_tasks.task import StageResult


class RunRecord(StageResult):
    """Which MLflow run the directory belongs to, and the data it learned from."""

    run_id: str
    prepared_digest: str


def work_directory(unfinished: Path, task_name: str, config: TaskConfig) -> Path:
    """Where a run of this task with this config works."""
    return unfinished / f"{task_name}-{json_digest(config.model_dump(mode='json'))[:16]}"


@contextlib.contextmanager
def claimed(directory: Path) -> Iterator[Path]:
    """Lock `directory` for this process until the block or the process ends, even by a kill.

    Raises:
        UserError: another process works in it.
    """
    handle = _lock(directory)
    if handle is None:
        raise UserError(
            f"{directory}: the same task with the same config is being run by another process; "
            "wait for it, or change a setting (--seed, say)"
        )
    try:
        yield directory
    finally:
        with contextlib.suppress(OSError):
            directory.rmdir()  # succeeds when there is nothing in it that a later run could take up
        os.close(handle)


def is_claimed(directory: Path) -> bool:
    """Whether a process works in `directory` now."""
    if not directory.exists():
        return False
    handle = _lock(directory)
    if handle is not None:
        os.close(handle)
    return handle is None


def _lock(directory: Path) -> int | None:
    """A handle that holds the lock on `directory` (made when missing), or None when somebody else holds it."""
    while True:
        directory.mkdir(parents=True, exist_ok=True)
        handle = os.open(directory, os.O_RDONLY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(handle), os.stat(directory)):
                return handle
        except BlockingIOError:
            os.close(handle)
            return None
        except FileNotFoundError:
            pass
        os.close(handle)  # its last owner removed the directory between our two steps: try again


def read_record(directory: Path) -> RunRecord | None:
    """What an earlier process left in `directory`; None when it left nothing."""
    try:
        return RunRecord.model_validate(json.loads((directory / "run.json").read_bytes()))
    except FileNotFoundError:
        return None


def write_record(directory: Path, record: RunRecord) -> None:
    """Remember which MLflow run `directory` belongs to."""
    write_whole(directory / "run.json", record.model_dump_json() + "\n")


def empty(directory: Path) -> None:
    """Delete everything in `directory`; the directory itself stays, and stays locked."""
    for path in directory.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def unfinished_runs(unfinished: Path) -> dict[str, Path]:
    """MLflow run id -> work directory of each run that goes on or was interrupted."""
    directories = sorted(unfinished.iterdir()) if unfinished.exists() else []
    records = {directory: read_record(directory) for directory in directories}
    return {record.run_id: directory for directory, record in records.items() if record}
