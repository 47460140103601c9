"""Writing files that are either whole or absent, and digests of files and values."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from rnn_tasks import activity
from rnn_tasks.errors import UserError


@contextlib.contextmanager
def whole_directory(target: Path) -> Iterator[Path]:
    """A directory to fill; it becomes `target` if the block succeeds, and is removed if the block fails."""
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        aside.chmod(0o755)
        yield aside
        if target.exists():
            shutil.rmtree(target)
        os.replace(aside, target)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


@contextlib.contextmanager
def filled_directory(target: Path) -> Iterator[Path]:
    """A directory to fill; if the block succeeds, its content moves to `target`, which must be new or empty.

    An existing empty directory is not replaced, because it may be a shell's working directory.

    Raises:
        OSError: for example, something was put into `target` meanwhile; it is kept.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    there = target.is_dir()
    aside = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target if there else target.parent))
    try:
        aside.chmod(0o755)
        yield aside
        if there:
            if any(path != aside for path in target.iterdir()):
                raise OSError(errno.ENOTEMPTY, os.strerror(errno.ENOTEMPTY), str(target))
            for made in aside.iterdir():
                os.rename(made, target / made.name)
        else:
            os.rename(aside, target)  # fails if the directory is not empty
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def write_whole(target: Path, content: str | bytes) -> Path:
    """Write a file so that a reader always sees either the whole old content or the whole new content."""
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = target.with_name(f".{target.name}-{os.getpid()}")
    try:
        aside.write_bytes(content.encode() if isinstance(content, str) else content)
        os.replace(aside, target)
    finally:
        aside.unlink(missing_ok=True)
    return target


@contextlib.contextmanager
def whole_file(target: Path) -> Iterator[IO[bytes]]:
    """A binary file to write; it becomes `target` if the block succeeds, and is removed if the block fails."""
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = target.with_name(f".{target.name}-{os.getpid()}")
    try:
        with aside.open("wb") as file:
            yield file
        os.replace(aside, target)
    finally:
        aside.unlink(missing_ok=True)


def beside(prefix: Path, ending: str) -> Path:
    """The file `prefix.ending`."""
    return prefix.with_name(f"{prefix.name}.{ending}")


def file_digest(path: Path) -> str:
    """sha256 of a file's content, in hex."""
    try:
        with path.open("rb") as file, activity.doing(f"reading {path.name}"):
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from None


def json_digest(value: Any) -> str:
    """sha256 of a JSON-able value, in hex; keys sorted."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()
