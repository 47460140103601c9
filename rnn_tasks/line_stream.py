"""Lines as they arrive: lines that are there are answered now; if there are many, they are answered together."""

from __future__ import annotations

import codecs
import itertools
import os
import select
from collections import deque
from collections.abc import Iterable, Iterator
from typing import TypeVar

from rnn_tasks.errors import UserError

Item = TypeVar("Item")

READ = 1 << 16  # bytes; the size of a pipe on Linux
REFILL_SECONDS = 0.05


class Piece(str):
    """A piece of an unfinished line: it is shown at once, without a line end after it."""


class LineStream:
    """The lines of an open UTF-8 file, pipe or terminal, without their ends; \\n and \\r\\n end a line.

    If the whole input has no \\n, a lone \\r ends a line, too: old Macs wrote such files.

    Args:
        descriptor: open for reading; its owner closes it.
        name: for error messages.
    """

    def __init__(self, descriptor: int, name: str):
        self.descriptor, self.name = descriptor, name
        self._whole: deque[bytes] = deque()  # lines that are not taken yet
        self._begun: list[bytes] = []  # pieces of the line whose end has not come yet
        self._taken = 0
        self._patience = 0.0
        self._ended = False

    def take(self, limit: int) -> list[str]:
        """Up to `limit` lines that are there now; waits for the first one. Empty at the end of the input.

        Raises:
            UserError: the next line is not UTF-8 (those before it were taken), or reading fails.
        """
        try:
            while not self._ended and (not self._whole or (len(self._whole) < limit and self._more())):
                self._read()
        except OSError as error:
            raise UserError(f"{self.name}: cannot be read ({error.strerror})") from None
        lines: list[str] = []
        while self._whole and len(lines) < limit:
            try:
                lines.append(self._whole[0].decode())
            except UnicodeDecodeError as error:
                if lines:
                    break
                where = f"{self.name}, line {self._taken + 1}"
                raise UserError(f"{where}: not UTF-8 (byte {error.start + 1} of the line)") from None
            self._whole.popleft()
            self._taken += 1
        return lines

    def __iter__(self) -> Iterator[str]:
        while lines := self.take(1):
            yield from lines

    def _more(self) -> bool:
        return bool(select.select([self.descriptor], [], [], self._patience)[0])

    def _read(self) -> None:
        select.select([self.descriptor], [], [])  # needed because the descriptor may be non-blocking
        data = os.read(self.descriptor, READ)
        # A full pipe means a fast writer, which fills it again at once: a short wait then gives big batches.
        self._patience = REFILL_SECONDS if len(data) == READ else 0.0
        whole, newline, rest = data.rpartition(b"\n")
        if newline:
            self._add(b"".join([*self._begun, whole]))
            self._begun = [rest]
        else:
            self._begun.append(rest)
        if not data:
            self._ended = True
            last = b"".join(self._begun)
            if not self._taken and not self._whole:
                last = last.removesuffix(b"\r").replace(b"\r", b"\n")
            if last:
                self._add(last)

    def _add(self, text: bytes) -> None:
        if not self._taken and not self._whole:
            text = text.removeprefix(codecs.BOM_UTF8)
        self._whole.extend(line.removesuffix(b"\r") for line in text.split(b"\n"))


def chunks(items: Iterable[Item], limit: int) -> Iterator[list[Item]]:
    """All lines, or records, in lists of at most `limit`.

    A stream that is still being written gives shorter lists: the items that have arrived by the time a list is asked
    for. So a user who writes a line and waits gets an answer. Other inputs give full lists.
    """
    iterator = iter(items)

    def from_iterator(limit: int) -> list[Item]:
        return list(itertools.islice(iterator, limit))

    take = getattr(items, "take", from_iterator)  # `LineStream`, and streams based on it, have `take`
    while some := take(limit):
        yield some
