"""Preparing data once: a digest of everything that decides the result names its directory, which is then reused."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from rnn_tasks.code import PACKAGE, code_digest, code_files
from rnn_tasks.config import Section
from rnn_tasks.dataset.examples import TEST_DATA
from rnn_tasks.files import file_digest, json_digest, whole_directory, write_whole
from rnn_tasks.locks import alone
from rnn_tasks.task import Prepared


def prepare_once(
    code: Sequence[Callable[..., Any]],
    data: Section,
    inputs: Iterable[Path],
    work_dir: Path,
    write: Callable[[Path], Mapping[str, int]],
    *,
    source: str,
    test_data: Sequence[str] = TEST_DATA,
) -> Prepared:
    """Prepare data with `write`, or reuse the whole result of an earlier run. If several processes ask, one makes it.

    Args:
        code: functions that decide the result; the code that they depend on is part of the directory's name.
        data: the config's section `data`, part of the name.
        inputs: the user's files; their content, and their paths relative to their common directory, are part of the
            name.
        work_dir: holds the preparations of the task.
        write: fills a directory; returns counts.
        source: the data's name or path, for people.
        test_data: name patterns of the files that identify the test data, independently of the encoding.
    """
    files = list(inputs)
    digest = json_digest([data.model_dump(), _contents(files), code_digest(*code)])[:24]
    directory = work_dir / digest
    manifest = directory / "manifest.json"
    reused = manifest.exists()
    if not reused:
        with alone(work_dir / f".{digest}.lock", "prepares the same data"):
            reused = manifest.exists()
            if not reused:
                _write_preparation(directory, source, write, test_data, code)
    record = json.loads(manifest.read_bytes())
    return Prepared(
        directory=directory,
        digest=digest,
        counts=record["counts"],
        source=source,
        test_digest=record["test_digest"],
        reused=reused,
    )


def _contents(files: Sequence[Path]) -> list[tuple[str, str]]:
    """Relative path and digest of each file; the path counts because a picture's folder, for example, is its class."""
    root = os.path.commonpath([path.parent.absolute() for path in files]) if files else ""
    return [(os.path.relpath(path.absolute(), root), file_digest(path)) for path in files]


def _write_preparation(
    directory: Path,
    source: str,
    write: Callable[[Path], Mapping[str, int]],
    test_data: Sequence[str],
    code: Sequence[Callable[..., Any]],
) -> None:
    with whole_directory(directory) as aside:
        counts = dict(write(aside))
        files = _file_records(aside)
        tests = {n: made["sha256"] for n, made in files.items() if any(fnmatch(n, one) for one in test_data)}
        if not tests:
            raise ValueError(f"{source}: none of the prepared files is test data ({', '.join(test_data)})")
        record = {
            "digest": directory.name,
            "source": source,
            "test_digest": json_digest(tests)[:16],
            "counts": counts,
            "files": files,
            "code": sorted(str(p.relative_to(PACKAGE)) for p in code_files(*code) if p.is_relative_to(PACKAGE)),
        }
        write_whole(aside / "manifest.json", json.dumps(record, indent=2, ensure_ascii=False) + "\n")


def _file_records(directory: Path) -> dict[str, dict[str, Any]]:
    files = sorted(f for f in directory.rglob("*") if f.is_file())
    return {str(f.relative_to(directory)): {"bytes": f.stat().st_size, "sha256": file_digest(f)} for f in files}
