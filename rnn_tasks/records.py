"""The kinds of records: a user gives records to a task and gets an answer for each.

A task declares the kind of its records once. It decides how the command line reads its input and which signature a
served model has. The suite over the registry tries its good and bad examples.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np

from rnn_tasks.errors import UserError
from rnn_tasks.line_stream import chunks

Record = Any  # str, ndarray or dict, as the kind says


@dataclass(frozen=True)
class Records:
    """A kind of record, with examples. A subclass turns a line of input into a record and decides what it accepts.

    Attributes:
        good: lines of input that the task answers; at least one. Whole inputs, if the whole input is one record.
        bad: line of input -> a part of the one-line error message that explains what is wrong.
    """

    good: tuple[str, ...]
    bad: Mapping[str, str] = field(default_factory=dict)

    kind: ClassVar[str]
    """A description of a record, for people."""
    portable: ClassVar[bool] = True
    """Whether a record means the same on every machine and for every model of the task; False for a file's path."""
    whole_input: ClassVar[bool] = False
    """Whether all lines together are one record."""

    def parse(self, line: str, where: str) -> Record:
        """A line of input, without its end, as a record; `where` names file and line in errors.

        Raises:
            UserError: the line is not such a record.
        """
        raise NotImplementedError

    def check(self, value: Any, where: str) -> Record:
        """A value from a program (such as a request to a served model) as a record.

        Raises:
            UserError: the value is not such a record.
        """
        raise NotImplementedError

    def read(self, lines: Iterable[str], source: str = "input") -> RecordStream:
        """All records of an input, in order, as they arrive; `source` names it in errors."""
        return RecordStream(self, lines, source)


class RecordStream:
    """The records of an input, parsed when they are taken.

    Args:
        records: their kind.
        lines: a `LineStream`, or any lines.
        source: names the input in errors.

    Attributes:
        before_first: called before the stream waits for its first record; at this point the model is ready to answer.
    """

    def __init__(self, records: Records, lines: Iterable[str], source: str):
        self.records, self.source, self.taken = records, source, 0
        self.before_first: Callable[[], None] = lambda: None
        self.lines = ["\n".join(lines)] if records.whole_input else lines
        self._rest: Iterator[list[str]] | None = None
        self._wrong: UserError | None = None

    def take(self, limit: int) -> list[Record]:
        """Up to `limit` records that have arrived; waits for the first one. Empty at the end of the input.

        Raises:
            UserError: the next line is not a record (the records before it were returned).
        """
        if self._wrong:
            raise self._wrong
        if self._rest is None:
            self.before_first()
            self._rest = chunks(self.lines, limit)
        found: list[Record] = []
        for line in next(self._rest, []):
            where = self.source if self.records.whole_input else f"{self.source}, line {self.taken + 1}"
            try:
                found.append(self.records.parse(line, where))
            except UserError as error:
                if not found:
                    raise
                self._wrong = error
                break
            self.taken += 1
        return found

    def __iter__(self) -> Iterator[Record]:
        while found := self.take(1):
            yield from found


@dataclass(frozen=True)
class TextRecords(Records):
    """A record is a line of text, a `str`. Every line is accepted: a task answers an empty line with an empty line."""

    kind: ClassVar[str] = "a line of text"

    def parse(self, line: str, where: str) -> str:
        return line

    def check(self, value: Any, where: str) -> str:
        if not isinstance(value, str):
            raise UserError(f"{where}: found {type(value).__name__}; accepted is a string")
        return value


class Line(NamedTuple):
    """A line of input, and its position, for errors."""

    text: str
    where: str


@dataclass(frozen=True)
class LineRecords(Records):
    """A record is a `Line` that the model reads in its own way; only `predict` can check it.

    The answer to an empty line is an empty line.
    """

    kind: ClassVar[str] = "a line of text, numbers or symbols, as the model reads it"

    def parse(self, line: str, where: str) -> Line:
        return Line(line.strip(), where)

    def check(self, value: Any, where: str) -> Line:
        if not isinstance(value, str):
            raise UserError(f"{where}: found {type(value).__name__}; accepted is a string")
        return Line(value.strip(), where)


@dataclass(frozen=True)
class PathRecords(Records):
    """A record is the path of a file, a `str`; a colon and a number may select one item in it: `images.idx:17`.

    Attributes:
        what: the file, for people: "a PNG or JPEG picture".
    """

    what: str = "a file"
    kind: ClassVar[str] = "the path of a file"
    portable: ClassVar[bool] = False

    def parse(self, line: str, where: str) -> str:
        return self.check(line.strip(), where)

    def check(self, value: Any, where: str) -> str:
        file, _, index = str(value).rpartition(":")
        if not Path(file if file and index.isdigit() else str(value)).is_file():
            raise UserError(f"{where}: {value!r} does not exist; accepted is the path of {self.what}")
        return str(value)


@dataclass(frozen=True)
class NumberRecords(Records):
    """A record is a row of numbers, (numbers,) float64, separated by commas, semicolons, tabs or spaces.

    Attributes:
        count: numbers in a record; None accepts any number of them, but at least one.
    """

    count: int | None = None
    kind: ClassVar[str] = "a row of numbers"

    def parse(self, line: str, where: str) -> np.ndarray:
        return self.check(_cells(line), where)

    def check(self, value: Any, where: str) -> np.ndarray:
        numbers = _finite(value, where)
        if numbers.ndim != 1 or not numbers.size or self.count not in (None, numbers.size):
            wanted = self.count or "one or more"
            raise UserError(f"{where}: found {numbers.size} numbers; accepted are {wanted} in a row")
        return numbers


@dataclass(frozen=True)
class TableRecords(Records):
    """The whole input is one record: a table of numbers, (rows, columns) float64, a row a line.

    Attributes:
        columns: numbers in a row; None accepts any number of them, if all rows have the same.
    """

    columns: int | None = None
    kind: ClassVar[str] = "a table of numbers, which the whole input is"
    whole_input: ClassVar[bool] = True

    def parse(self, line: str, where: str) -> np.ndarray:
        return self.check([_cells(row) for row in line.rstrip("\n").split("\n")], where)

    def check(self, value: Any, where: str) -> np.ndarray:
        rows = [_finite(row, f"{where}, row {number}") for number, row in enumerate(value, 1)]
        columns = self.columns or (len(rows[0]) if rows else 0)
        for number, row in enumerate(rows, 1):
            if len(row) != columns or not columns:
                raise UserError(f"{where}, row {number}: found {len(row)} numbers; accepted are {columns or 'some'}")
        return np.array(rows).reshape(len(rows), columns)


@dataclass(frozen=True)
class ObjectRecords(Records):
    """A record is a JSON object, a `dict`.

    Attributes:
        keys: keys that every object must have.
    """

    keys: Sequence[str] = ()
    kind: ClassVar[str] = "a JSON object"

    def parse(self, line: str, where: str) -> dict[str, Any]:
        try:
            value = json.loads(line)
        except json.JSONDecodeError as error:
            raise UserError(f"{where}: not JSON ({error.msg} at character {error.pos + 1})") from None
        return self.check(value, where)

    def check(self, value: Any, where: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise UserError(f"{where}: found {type(value).__name__}; accepted is an object {{...}}")
        if missing := [key for key in self.keys if key not in value]:
            raise UserError(f"{where}: no {missing[0]!r} in the object; accepted is one with {', '.join(self.keys)}")
        return value


def _cells(line: str) -> list[str]:
    return line.replace(",", " ").replace(";", " ").split()


def _finite(values: Any, where: str) -> np.ndarray:
    """Numbers, or text that stands for numbers, as float64; all must be finite."""
    for value in np.ravel(values).tolist():
        try:
            finite = bool(np.isfinite(float(value)))
        except (TypeError, ValueError):
            raise UserError(f"{where}: {value!r} is no number") from None
        if not finite:
            raise UserError(f"{where}: {value!r} is not finite")
    return np.asarray(values, np.float64)
