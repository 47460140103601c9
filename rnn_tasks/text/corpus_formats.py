"""Sentence pairs out of text files: one file a language, or two columns in one file. Everything is streamed.

Lines end at `\\n` alone (a `\\r` before it is dropped): the other characters that Python calls line boundaries,
U+2028 for one, do occur inside sentences and would shift one side against the other.
"""

from __future__ import annotations

import codecs
import contextlib
import gzip
import io
import zipfile
import zlib
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path, PurePosixPath
from typing import IO, Any

from rnn_tasks.errors import UserError

Pair = tuple[str, str]

TABLE_ENDINGS = (".tsv", ".txt", ".tsv.gz", ".txt.gz", ".zip")


def read_lines(path: Path) -> Iterator[str]:
    """The lines of a UTF-8 file, a `.gz` of one or a `.zip` of one, without their ends.

    Raises:
        UserError: unreadable or corrupt file, no line at all, or invalid UTF-8; names file and line.
    """
    number = 0
    with _open_bytes(path) as file:
        for number, line in enumerate(file, 1):
            if number == 1:
                line = line.removeprefix(codecs.BOM_UTF8)
            try:
                text = line.decode("utf-8")
            except UnicodeDecodeError as error:
                found = f"byte 0x{line[error.start]:02x} at column {error.start + 1}"
                raise UserError(f"{path}, line {number}: invalid UTF-8 ({found}); accepted is UTF-8 text") from None
            yield text.removesuffix("\n").removesuffix("\r")
    if number == 0:
        raise UserError(f"{path}: empty file; accepted is one sentence or pair a line")


def aligned_pairs(source: Path, target: Path) -> Iterator[Pair]:
    """Line i of one file with line i of the other.

    Raises:
        UserError: as `read_lines`, or when one file has more lines; names both files and both counts.
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


def tab_separated_pairs(path: Path) -> Iterator[Pair]:
    """The first two columns of `source<TAB>target[<TAB>…]`.

    Raises:
        UserError: as `read_lines`, or a line without a TAB; names file and line.
    """
    for number, line in enumerate(read_lines(path), 1):
        source, tab, rest = line.partition("\t")
        if not tab:
            raise UserError(
                f"{path}, line {number}: no TAB in {line[:40]!r}; accepted is source<TAB>target[<TAB>...] on every line"
            )
        yield source, rest.partition("\t")[0]


@contextlib.contextmanager
def _open_bytes(path: Path) -> Iterator[IO[bytes]]:
    """A file's content, decompressed; what goes wrong while it is read becomes a UserError."""
    try:
        with contextlib.ExitStack() as stack:
            if path.name.lower().endswith(".gz"):
                yield _buffered(stack.enter_context(gzip.open(path)))
            elif path.name.lower().endswith(".zip"):
                archive = stack.enter_context(zipfile.ZipFile(path))
                member = _text_member(path, archive.namelist())
                yield _buffered(stack.enter_context(archive.open(member)))
            else:
                yield stack.enter_context(path.open("rb"))
    except (gzip.BadGzipFile, zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise UserError(f"{path}: corrupt or cut short ({error}); fetch or pack it again") from None
    except (NotImplementedError, RuntimeError) as error:  # zipfile's way to refuse a method or a password
        raise UserError(f"{path}: cannot be unpacked ({error}); accepted is a plain .zip") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error})") from None


def _buffered(file: Any) -> IO[bytes]:
    """The same bytes, split into lines by C code: GzipFile and ZipExtFile do it in Python, line by line."""
    return io.BufferedReader(file, 1 << 18)


def _text_member(path: Path, names: list[str]) -> str:
    """The one text in an archive; names that start with `_` or `.` (`_about.txt`, `__MACOSX/`) are notes to it."""
    texts = [
        name
        for name in names
        if name.lower().endswith((".txt", ".tsv"))
        and not any(part.startswith(("_", ".")) for part in PurePosixPath(name).parts)
    ]
    if len(texts) != 1:
        found = ", ".join(names[:10]) or "nothing"
        raise UserError(f"{path}: found {found}; accepted is an archive with exactly one .txt or .tsv of pairs")
    return texts[0]
