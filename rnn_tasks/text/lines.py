"""Lines of text files, plain, `.gz` or in a `.zip`. Everything is streamed.

Lines end only at `\\n` (a `\\r` before it is dropped). Python's other line boundaries, such as U+2028, occur inside
sentences and would shift one side against the other. In a file without any `\\n`, lines end at `\\r`.
"""

from __future__ import annotations

import codecs
import contextlib
import gzip
import io
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path, PurePosixPath
from typing import IO, Any

from rnn_tasks.errors import UserError

Pair = tuple[str, str]

# The longer marks come first: UTF-32's begins with UTF-16's.
BYTE_ORDER_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_BYTES_AT_ONCE = 1 << 18
_NOTES = ("readme", "license", "licence", "copying")


@dataclass(frozen=True)
class TextFile:
    """A file of text.

    Attributes:
        path: of the file, or of the archive that it is in.
        member: its name in a `.zip`.
    """

    path: Path
    member: str = ""

    @property
    def name(self) -> str:
        """The file's own name, without folders."""
        return PurePosixPath(self.member).name if self.member else self.path.name

    @property
    def is_note(self) -> bool:
        """Whether the file only describes the other files, like `_about.txt`, `README` and `__MACOSX/…`."""
        parts = PurePosixPath(self.member).parts if self.member else (self.path.name,)
        return any(part.startswith(("_", ".")) for part in parts) or self.name.lower().startswith(_NOTES)

    def __str__(self) -> str:
        return f"{self.path}/{self.member}" if self.member else str(self.path)


def files_in(path: Path) -> list[TextFile]:
    """The files of a directory or of a `.zip`, by name.

    Raises:
        UserError: the archive is corrupt, or the archive or directory cannot be read or no longer exists.
    """
    with readable(path):
        if path.is_dir():
            return [TextFile(file) for file in sorted(path.iterdir()) if file.is_file()]
    with readable(path), zipfile.ZipFile(path) as archive:
        return [TextFile(path, name) for name in sorted(archive.namelist()) if not name.endswith("/")]


def read_lines(file: TextFile) -> Iterator[str]:
    """The lines of a file without their ends; UTF-8, or UTF-16 or UTF-32 with a byte order mark.

    Raises:
        UserError: unreadable or corrupt file, no line at all, another encoding, unclear line ends; names file and line.
    """
    number = 0
    with open_bytes(file) as content:
        head = content.peek(_BYTES_AT_ONCE)[:_BYTES_AT_ONCE]
        encoding = next((name for mark, name in BYTE_ORDER_MARKS.items() if head.startswith(mark)), "utf-8")
        newline = _line_end(file, head.decode(encoding, errors="ignore"))
        utf8 = encoding == "utf-8" and newline == "\n"
        lines = _utf8_lines(file, content) if utf8 else _decoded_lines(file, content, encoding, newline)
        for number, line in enumerate(lines, 1):
            if "\0" in line:
                accepted = "accepted is UTF-8 text, or UTF-16 with a byte order mark"
                raise UserError(f"{file}, line {number}: found a NUL character; {accepted}")
            # Concatenated files keep their byte order marks.
            yield line.removesuffix("\n").removesuffix("\r").removeprefix("\ufeff")
    if number == 0:
        raise UserError(f"{file}: empty file; accepted is one sentence or pair a line")


def aligned_pairs(source: TextFile, target: TextFile) -> Iterator[Pair]:
    """Line i of one file with line i of the other.

    Raises:
        UserError: as in `read_lines`, or one file has more lines; names both files and both counts.
    """
    sources, targets = read_lines(source), read_lines(target)
    for shorter, (left, right) in enumerate(zip_longest(sources, targets)):
        if left is None or right is None:
            longer = shorter + 1 + sum(1 for _ in (targets if left is None else sources))
            counts = (shorter, longer) if left is None else (longer, shorter)
            raise UserError(
                f"{source} has {counts[0]} lines but {target} has {counts[1]}; "
                "accepted are files that translate each other line by line"
            )
        yield left, right


@contextlib.contextmanager
def open_bytes(file: TextFile) -> Iterator[io.BufferedReader]:
    """A file's content, decompressed; errors while reading become a UserError."""
    with readable(file), contextlib.ExitStack() as stack:
        opened: Any
        if file.member:
            archive = stack.enter_context(zipfile.ZipFile(file.path))
            opened = stack.enter_context(archive.open(file.member))
        else:
            opened = stack.enter_context(file.path.open("rb", buffering=0))
        if file.name.lower().endswith(".gz"):
            opened = stack.enter_context(gzip.open(opened))
        # Split into lines by C code: GzipFile and ZipExtFile do it in Python, line by line.
        yield stack.enter_context(io.BufferedReader(opened, _BYTES_AT_ONCE))


@contextlib.contextmanager
def readable(file: Path | TextFile) -> Iterator[None]:
    """Turn errors while reading a file into a UserError."""
    try:
        yield
    except (gzip.BadGzipFile, zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise UserError(f"{file}: corrupt or cut short ({error}); fetch or pack it again") from None
    except (NotImplementedError, RuntimeError) as error:  # zipfile raises these for an unknown method or a password
        raise UserError(f"{file}: cannot be unpacked ({error}); accepted is a plain .zip") from None
    except OSError as error:
        raise UserError(f"{file}: cannot be read ({error.strerror or error})") from None


def _line_end(file: TextFile, head: str) -> str | None:
    """The line end, found from the beginning of a file: `\\n`, or None for `\\r` if there is no `\\n`."""
    returns, feeds = head[:-1].replace("\r\n", "\n").count("\r"), head.count("\n")
    if feeds and returns > feeds:
        raise UserError(
            f"{file}: {returns} lines seem to end at CR, {feeds} at LF; accepted is one kind of line end in a file"
        )
    return None if returns and not feeds else "\n"


def _utf8_lines(file: TextFile, content: IO[bytes]) -> Iterator[str]:
    for number, line in enumerate(content, 1):
        try:
            yield line.decode("utf-8")
        except UnicodeDecodeError as error:
            found = f"byte 0x{line[error.start]:02x} at column {error.start + 1}"
            raise UserError(f"{file}, line {number}: invalid UTF-8 ({found}); accepted is UTF-8 text") from None


def _decoded_lines(file: TextFile, content: IO[bytes], encoding: str, newline: str | None) -> Iterator[str]:
    number = 0
    try:
        for number, line in enumerate(io.TextIOWrapper(content, encoding=encoding, newline=newline), 1):  # noqa: B007
            yield line
    except UnicodeError as error:
        reason = getattr(error, "reason", error)
        raise UserError(f"{file}, after line {number}: invalid {encoding.upper()} ({reason})") from None
