"""The layout of a CSV file, found from its first lines: encoding, separator, header, the style of its numbers."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import zlib
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from rnn_tasks.errors import UserError
from rnn_tasks.series.dates import possible_formats
from rnn_tasks.series.numbers import Style, find_style, to_numbers

SAMPLE_ROWS = 2_000
NEARLY = 0.05  # of a column's cells may be mistakes
DELIMITERS = ("\t", ";", "|", ",")
DECIMALS = {"point": Style("."), "comma": Style(",")}

Opener = Callable[[], TextIO]


@dataclass(frozen=True)
class Layout:
    """The layout of a table.

    Attributes:
        name: of the file, for errors.
        delimiter: between columns.
        skipped: lines before the first row of data: comments, and the header if there is one.
        columns: names; numbers from 1 without a header.
        has_header: whether the names were read.
        style: of numbers.
        sample: the first rows, a list of cells each.
    """

    name: str
    delimiter: str
    skipped: int
    columns: list[str]
    has_header: bool
    style: Style
    sample: list[list[str]]

    def cells(self, column: int) -> list[str]:
        """The cells of a column in the sample; empty if a row ends before it."""
        return [row[column].strip() if column < len(row) else "" for row in self.sample]

    def position(self, name: str, key: str) -> int:
        """The position of the column called `name`, or with this number, counted from 1.

        Raises:
            UserError: no such column; `key` names the setting.
        """
        if name in self.columns:
            return self.columns.index(name)
        if name.isdigit() and 1 <= int(name) <= len(self.columns):
            return int(name) - 1
        raise UserError(f"{key}: {self.name} has no column {name!r}; accepted are {', '.join(self.columns)}")


def opener_of(path: Path) -> Opener:
    """Opens a file as text: UTF-8, UTF-16 with a byte order mark, or else Windows-1252; `.gz` is unpacked."""

    def open_bytes() -> Any:
        return gzip.open(path) if path.suffix == ".gz" else path.open("rb")

    try:
        with open_bytes() as file:
            start = file.read(1 << 20)
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})") from None
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16"
    else:
        try:
            codecs.getincrementaldecoder("utf-8")().decode(start)  # not final: the end may cut a character
            encoding = "utf-8-sig"
        except UnicodeDecodeError:
            encoding = "cp1252"
    if b"\0" in start and encoding != "utf-16":
        raise UserError(f"{path}: no text; accepted is a CSV file")
    return lambda: io.TextIOWrapper(open_bytes(), encoding=encoding, newline="", errors="replace")


@contextmanager
def reading(name: str) -> Iterator[None]:
    """Turn errors of a truncated or damaged compressed file into an error of one line."""
    try:
        yield
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"{name}: cannot be read to its end ({getattr(error, 'strerror', None) or error})") from None


def find_layout(open_text: Opener, name: str, decimal: str = "auto", header: Collection[str] = ()) -> Layout:
    """The layout of a table.

    Args:
        open_text: opens the table.
        name: of the table, for errors.
        decimal: auto, point or comma.
        header: a first row with these names is a header, even if they are numbers.

    Raises:
        UserError: there are no rows, or the file is not a table.
    """
    lines: list[str] = []
    comments = 0
    with reading(name), open_text() as file:
        for line in file:
            if not lines and (line.startswith("#") or not line.strip()):
                comments += 1
            elif len(lines) <= SAMPLE_ROWS:
                lines.append(line)
            else:
                break
    if not lines:
        raise UserError(f"{name}: empty; accepted is a CSV table")
    delimiter = _delimiter(lines)
    rows = _rows(lines, delimiter, name, comments)
    width, body = len(rows[0]), rows[1:]
    style = DECIMALS.get(decimal) or find_style((cell for row in body for cell in row), delimiter)
    named = bool(header) and set(header) <= {cell.strip() for cell in rows[0]}
    has_header = named or _is_header(rows[0], body, style)
    names = [cell.strip() or str(i) for i, cell in enumerate(rows[0], 1)] if has_header else []
    columns = names or [str(i) for i in range(1, width + 1)]
    for column in columns:
        if columns.count(column) > 1:
            raise UserError(f"{name}: two columns are called {column!r}; accepted are different names")
    sample = body if has_header else rows
    if not sample:
        raise UserError(f"{name}: a header and no rows; accepted is a table with a row a step")
    return Layout(name, delimiter, comments + has_header, columns, has_header, style, sample)


def _rows(lines: list[str], delimiter: str, name: str, before: int) -> list[list[str]]:
    """The rows that are not empty; a last row with an open quote is left out, because its end is missing."""
    rows: list[list[str]] = []
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True)
    start = end = 0  # of the last row
    try:
        for row in reader:
            start, end = end, reader.line_num
            if any(map(str.strip, row)):
                rows.append(row)
    except csv.Error as error:
        said = str(error).split(" - ")[0]
        raise UserError(f"{name}, line {before + reader.line_num}: {said}; accepted is a CSV table") from None
    if not rows:
        raise UserError(f"{name}: nothing but empty cells; accepted is a CSV table")
    if end - start > 1 and "".join(lines[start:]).count('"') % 2:
        rows.pop()
        if len(rows) < 2:
            raise UserError(f"{name}, line {before + start + 1}: a quote that is not closed; accepted is a CSV table")
    return rows


def _delimiter(lines: list[str]) -> str:
    """The separator that cuts most lines into the same number of cells, more than one."""
    best, best_share = ",", 0.0
    for delimiter in DELIMITERS:
        try:
            widths = [len(row) for row in csv.reader(lines, delimiter=delimiter, skipinitialspace=True) if row]
        except csv.Error:  # a line is longer than a cell may be
            continue
        mode = max(set(widths), key=widths.count)
        share = widths.count(mode) / len(widths) if mode > 1 else 0.0
        if share > best_share + 0.02:
            best, best_share = delimiter, share
    return best


def _is_header(first: list[str], body: list[list[str]], style: Style) -> bool:
    """Whether the first row is a header: it has a word above numbers or dates, or only words."""
    for column, cell in enumerate(first):
        below = [row[column].strip() for row in body[:50] if column < len(row) and row[column].strip()]
        if not below:
            continue
        for values in ([cell.strip()], below):
            if not (is_number(values, style) or possible_formats(values)):
                break
        else:
            continue
        if cell.strip() and (is_number(below, style) or possible_formats(below)):
            return True
    # If no column has numbers or dates below a word: whether the first row has no number and no date.
    return not any(is_number([cell], style) or possible_formats([cell]) for cell in first if cell.strip())


def is_number(cells: list[str], style: Style, missing: frozenset[str] = frozenset()) -> bool:
    """Whether all cells are numbers or stand for missing values, and at least one is a number."""
    numbers, wrong = to_numbers(cells, style, missing)
    return wrong < 0 and bool((numbers == numbers).any())


def is_nearly_number(cells: list[str], style: Style, missing: frozenset[str] = frozenset()) -> bool:
    """Whether almost all cells are numbers; the others are then reported as mistakes, with their lines."""
    numbers, _ = to_numbers(cells, style, missing)
    filled = sum(bool(cell.strip()) and cell.strip() not in missing for cell in cells)
    found = int((numbers == numbers).sum())
    return 0 < filled - found <= max(1, NEARLY * filled) < found
