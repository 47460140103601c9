"""Files that are whole or absent, and digests of what made them."""

from __future__ import annotations

import contextlib
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
    """A directory to fill that becomes `target` when the block ends well and vanishes when it does not."""
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


def write_whole(target: Path, content: str | bytes) -> Path:
    """Write a file so that a reader meets either the old content or all of the new."""
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
    """A binary file to write that becomes `target` when the block ends well and vanishes when it does not."""
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
