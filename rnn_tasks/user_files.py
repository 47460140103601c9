"""Reading and writing files that a user names: regular files, links, pipes, devices, /dev/stdin, <(…)."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TextIO

from rnn_tasks.errors import UserError
from rnn_tasks.line_stream import LineStream, Piece


@contextlib.contextmanager
def reading(path: Path, name: str) -> Iterator[LineStream]:
    """The lines of a file, or of anything else that can be read.

    Raises:
        UserError: the path cannot be opened, or is a directory.
    """
    with _told(name, "read"):
        own = _own_descriptor(path)
        descriptor = os.open(path, os.O_RDONLY) if own is None else os.dup(own)
    try:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise UserError(f"{name}: is a directory; a file is wanted")
        yield LineStream(descriptor, name)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def writing(path: Path, name: str) -> Iterator[Callable[[str], None]]:
    """A function that writes a line, given without its end, to a file in UTF-8.

    A regular file (links are followed) gets its new content if the block succeeds. If the block fails, it keeps its old
    content, or is not created. It keeps its mode and owner. If the directory does not allow replacing it, the file is
    overwritten at the end. A pipe, a terminal or another device gets each line, and each `Piece`, as it is written.

    Raises:
        UserError: the file cannot be opened or written (because of a full disk, for example).
    """
    with contextlib.ExitStack() as stack:
        with _told(name, "written"):
            own = _own_descriptor(path)
            target = Path(os.path.realpath(path))
            if own is not None:
                file = stack.enter_context(_through(os.dup(own), name))
            elif os.path.lexists(target) and not target.is_file():  # a link that is left here is part of a loop
                file = stack.enter_context(_through(os.open(target, os.O_WRONLY), name))
            else:
                file = stack.enter_context(_whole(target, name))

        def write(line: str) -> None:
            with _told(name, "written"):
                file.write(line if isinstance(line, Piece) else f"{line}\n")
                if isinstance(line, Piece):
                    file.flush()

        yield write


def _through(descriptor: int, name: str) -> contextlib.AbstractContextManager[TextIO]:
    return _closed(open(descriptor, "w", buffering=1, encoding="utf-8", newline="\n"), name)


@contextlib.contextmanager
def _whole(target: Path, name: str) -> Iterator[TextIO]:
    """A temporary file that becomes `target` if the block succeeds."""
    kept = target.stat() if target.exists() else None
    if kept and not os.access(target, os.W_OK):  # replacing it would need no write permission
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    made = _make_directories(target.parent)
    # We may be allowed to write the file, but not its directory.
    beside = kept is None or os.access(target.parent, os.W_OK)
    aside = Path(target.parent if beside else tempfile.gettempdir(), f".rnn-tasks-{uuid.uuid4().hex}")
    try:
        with _closed(aside.open("x", encoding="utf-8", newline="\n"), name) as file:
            yield file
        with _told(name, "written"):
            _move(aside, target, kept)
        made = []
    finally:
        aside.unlink(missing_ok=True)
        for directory in made:
            with contextlib.suppress(OSError):
                directory.rmdir()


@contextlib.contextmanager
def _closed(file: TextIO, name: str) -> Iterator[TextIO]:
    """Close a file after the block; if the block fails, errors while closing it are ignored."""
    try:
        yield file
    except BaseException:
        with contextlib.suppress(OSError):
            file.close()
        raise
    with _told(name, "written"):
        file.close()


def _make_directories(directory: Path) -> list[Path]:
    """Make a directory with its parents; returns those that were missing, the innermost first."""
    missing = [path for path in (directory, *directory.parents) if not path.exists()]
    directory.mkdir(parents=True, exist_ok=True)
    return missing


def _move(aside: Path, target: Path, kept: os.stat_result | None) -> None:
    """Move `aside` to `target`, with owner and mode of the file that was there."""
    if kept:
        with contextlib.suppress(PermissionError):  # only root can change a file's owner
            os.chown(aside, kept.st_uid, kept.st_gid)
        aside.chmod(stat.S_IMODE(kept.st_mode))
    try:
        os.replace(aside, target)
    except OSError as error:
        # Another file system, a file of another user, or a single mounted file as in containers.
        if not kept or error.errno not in (errno.EXDEV, errno.EBUSY, errno.EACCES, errno.EPERM):
            raise
        shutil.copyfile(aside, target)


def _own_descriptor(path: Path) -> int | None:
    """The descriptor of this process for /dev/stdin, /dev/fd/3 or a link to one of them; None for any other path.

    Opening such a path again would read a file from its beginning or truncate it, although other processes share it.
    """
    own = {"/dev/fd", os.path.realpath("/proc/self/fd")}
    for _ in range(40):  # the largest number of links that Linux follows
        if path.name.isdecimal() and os.path.realpath(path.parent) in own:
            return int(path.name)
        if not path.is_symlink():
            return None
        path = path.parent / os.readlink(path)
    return None


@contextlib.contextmanager
def _told(name: str, done: str) -> Iterator[None]:
    """Turn errors of the system into a UserError, except a broken pipe: there the reader has simply stopped reading."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise UserError(f"{name}: cannot be {done} ({error.strerror})") from None
