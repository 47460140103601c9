"""Files that are whole or absent, and digests of what made them."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from rnn_tasks import activity
from rnn_tasks.errors import UserError
from rnn_tasks.locks import alone
from rnn_tasks.task import Prepared

PACKAGE = Path(__file__).parent


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


@functools.cache
def code_digest(*parts: str) -> str:
    """sha256 of the package's own files below `parts` ("text", "tasks/translate.py"), data files included."""
    files = []
    for part in parts:
        path = PACKAGE / part
        if not path.exists():
            raise FileNotFoundError(f"{part}: the package has no such part")
        found = path.rglob("*") if path.is_dir() else [path]
        files += [f for f in found if f.is_file() and f.suffix != ".pyc"]
    return json_digest({str(f.relative_to(PACKAGE)): file_digest(f) for f in sorted(files)})


def prepared_digest(section: Any, inputs: Iterable[Path], code: Iterable[str]) -> str:
    """What names a preparation: config section (JSON-able) + the inputs' content + the code that prepares."""
    return json_digest([section, [(p.name, file_digest(p)) for p in inputs], code_digest(*code)])[:24]


def prepare_once(work_dir: Path, digest: str, source: str, write: Callable[[Path], Mapping[str, int]]) -> Prepared:
    """`work_dir/digest`, made by `write(directory) -> counts` unless an earlier run left it whole.

    Of several processes one makes it while the others wait.
    """
    directory = work_dir / digest
    manifest = directory / "manifest.json"
    reused = manifest.exists()
    if not reused:
        with alone(work_dir / f".{digest}.lock", "prepares the same data"):
            reused = manifest.exists()
            if not reused:
                _write_preparation(directory, source, write)
    record = json.loads(manifest.read_bytes())
    return Prepared(directory=directory, digest=digest, counts=record["counts"], source=source, reused=reused)


def _write_preparation(directory: Path, source: str, write: Callable[[Path], Mapping[str, int]]) -> None:
    with whole_directory(directory) as aside:
        counts = dict(write(aside))
        record = {"digest": directory.name, "source": source, "counts": counts, "files": _file_records(aside)}
        write_whole(aside / "manifest.json", json.dumps(record, indent=2, ensure_ascii=False) + "\n")


def _file_records(directory: Path) -> dict[str, dict[str, Any]]:
    files = sorted(f for f in directory.rglob("*") if f.is_file())
    return {str(f.relative_to(directory)): {"bytes": f.stat().st_size, "sha256": file_digest(f)} for f in files}
