"""Files that a user names, for reading and for writing: regular ones, links, pipes, devices, /dev/stdin, <(…)."""

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
    """The lines of a file, or of whatever else can be read.

    Raises:
        UserError: it cannot be opened, or is a directory.
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

    A regular file, links to it followed, has its new content when the block ends well, and what it had before (or
    nothing) when it does not; it keeps its mode and its owner. Where its directory does not let it be replaced, it is
    overwritten at the end. A pipe, a terminal or another device gets each line, and each `Piece`, as it is written.

    Raises:
        UserError: it cannot be opened or written (a full disk, say).
    """
    with contextlib.ExitStack() as stack:
        with _told(name, "written"):
            own = _own_descriptor(path)
            target = Path(os.path.realpath(path))
            if own is not None:
                file = stack.enter_context(_through(os.dup(own), name))
            elif os.path.lexists(target) and not target.is_file():  # a link here is one of a loop
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
    """A file aside that becomes `target` when the block ends well."""
    kept = target.stat() if target.exists() else None
    if kept and not os.access(target, os.W_OK):  # replacing it would need no permission
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    made = _make_directories(target.parent)
    # A file may be ours to write where its directory is not.
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
    """Close a file after the block; what it still holds is lost without a word if the block fails."""
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
    """`aside` to `target`, with owner and mode of the file that stood there."""
    if kept:
        with contextlib.suppress(PermissionError):  # only root gives files away
            os.chown(aside, kept.st_uid, kept.st_gid)
        aside.chmod(stat.S_IMODE(kept.st_mode))
    try:
        os.replace(aside, target)
    except OSError as error:
        # Another file system, a file of somebody else's, or one that is mounted by itself as containers do.
        if not kept or error.errno not in (errno.EXDEV, errno.EBUSY, errno.EACCES, errno.EPERM):
            raise
        shutil.copyfile(aside, target)


def _own_descriptor(path: Path) -> int | None:
    """The descriptor of this process that /dev/stdin, /dev/fd/3 or a link to one of them means.

    Opening such a path anew would start a file from its beginning, or empty it, under whoever shares it with us.
    """
    own = {"/dev/fd", os.path.realpath("/proc/self/fd")}
    for _ in range(40):  # as many links as Linux follows
        if path.name.isdecimal() and os.path.realpath(path.parent) in own:
            return int(path.name)
        if not path.is_symlink():
            return None
        path = path.parent / os.readlink(path)
    return None


@contextlib.contextmanager
def _told(name: str, done: str) -> Iterator[None]:
    """What the system refuses is the user's to put right; a reader that has seen enough is no error."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise UserError(f"{name}: cannot be {done} ({error.strerror})") from None
