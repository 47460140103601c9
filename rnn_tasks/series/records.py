"""A table of a series as one record; `predict` reads the whole table."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any, ClassVar

from rnn_tasks.errors import UserError
from rnn_tasks.records import Records


@dataclass(frozen=True)
class SeriesTable:
    """A CSV table as text, and where it came from.

    Attributes:
        text: header and rows.
        name: for errors.
    """

    text: str
    name: str

    def open(self) -> io.StringIO:
        """The table as a file, its lines ended in any way."""
        return io.StringIO(self.text, newline="")


@dataclass(frozen=True)
class SeriesRecords(Records):
    """The whole input is one record: a CSV table of a series' past, with the columns that the model was trained on.

    Rows with dates after the last value hold the values known ahead.
    """

    kind: ClassVar[str] = "a CSV table of a series, which the whole input is"
    whole_input: ClassVar[bool] = True

    def parse(self, line: str, where: str) -> SeriesTable:
        return self.check(line, where)

    def check(self, value: Any, where: str) -> SeriesTable:
        if isinstance(value, SeriesTable):
            return value
        if not isinstance(value, str):
            raise UserError(f"{where}: found {type(value).__name__}; accepted is a CSV table as text")
        if not value.strip():
            raise UserError(f"{where}: empty; accepted is a CSV table with a row a step")
        return SeriesTable(value, where)
