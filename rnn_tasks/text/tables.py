"""Sentence pairs from a table: this module finds out which of its columns are sentences.

It knows tables of two columns, Anki's (source, target, licence), tatoeba.org's (id, sentence, id, translation) and
tables with a header line that names languages. It refuses anything else, such as a column of numbers.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice

from rnn_tasks.errors import UserError
from rnn_tasks.text.config import ParallelDataConfig
from rnn_tasks.text.languages import is_language, is_language_name, language_code
from rnn_tasks.text.lines import Pair, TextFile, read_lines

TABLE_ENDINGS = (".tsv", ".txt", ".csv", ".tsv.gz", ".txt.gz", ".csv.gz")
SIDES = ("source", "target")
TATOEBA = ["numbers", "text", "numbers", "text"]

_SAMPLE = 1000  # rows that are read to find the kind of a table
_DELIMITER_SAMPLE = 20
_QUOTED = r'"(?:[^"]|"")*"'
_NUMBER = re.compile(r"[+-]?\d[\d.,:/ \u00a0\u202f-]*(?:[eE][+-]?\d+)?%?")
_ADDRESS = re.compile(r"(?:https?|ftp)://\S+")
_QUOTED_LINE = re.compile(rf'(?=.*")(?:{_QUOTED}|{_NUMBER.pattern}|)(?:\t(?:{_QUOTED}|{_NUMBER.pattern}|))*')
_QUOTING = re.compile(r'"(?:[^"]|"")*""(?:[^"]|"")*"')  # a quotation mark in it is doubled, as spreadsheets write it
_OF_SIDE = {"source": {"source", "src", "sentence"}, "target": {"target", "tgt", "trg", "translation"}}
# What headers consist of, beside names of languages.
_HEADER_WORD = re.compile(
    "source|src|target|tgt|trg|translation|ids?|sentences?|text|lang|language|words?|phrases?|score|licen[cs]e|"
    "attribution|comment"
)

Row = tuple[int, list[str]]  # its line, counted from 1, and its cells


@dataclass(frozen=True)
class Table:
    """A table with known columns.

    Attributes:
        columns: of source and target, counted from 0.
        has_header: whether its first row is a header.
        quoted: whether all cells that are not numbers are in quotation marks.
    """

    file: TextFile
    columns: tuple[int, int]
    has_header: bool
    quoted: bool

    def __iter__(self) -> Iterator[Pair]:
        """The sentence pairs.

        Raises:
            UserError: as `read_lines`, or a row without one of the columns; names file and line.
        """
        for number, cells in islice(_rows(self.file, self.quoted), int(self.has_header), None):
            if max(self.columns) >= len(cells):
                raise _too_narrow(self.file, number, cells, max(self.columns) + 1)
            source, target = (cells[column] for column in self.columns)
            yield source, target


def open_table(file: TextFile, config: ParallelDataConfig) -> Table:
    """The table in a file; the config chooses its columns, else their content does. It reads only the first rows.

    Raises:
        UserError: no such column, or columns that are not sentences; the message says how to choose others.
    """
    quoted = _is_quoted(file)
    rows = list(islice(_rows(file, quoted), _SAMPLE))
    if not rows:
        raise UserError(f"{file}: empty lines alone; accepted is one pair a line")
    if narrow := next(((number, cells) for number, cells in rows if len(cells) < 2), None):
        raise _too_narrow(file, *narrow, 2)
    asked = (config.source_column, config.target_column)
    first = [cell.strip() for cell in rows[0][1]]
    has_header = any(name and not name.isdecimal() for name in asked) or _is_header(first, config)
    body = [cells for _, cells in rows[int(has_header) :]]
    kinds = [kind_of_text([cells[i] for cells in body if i < len(cells)]) for i in range(len(first))]
    found = _found_columns(first if has_header else [], kinds, config)
    columns = [
        _asked_column(file, f"data.{side}_column", name, first) if name else column
        for side, name, column in zip(SIDES, asked, found, strict=True)
    ]
    if columns[0] == columns[1]:
        raise UserError(f"{file}: column {columns[0] + 1} is source and target; {_choice(kinds)}")
    for column, name in zip(columns, asked, strict=True):
        if not name and kinds[column] != "text":  # a column that the user has named may hold numbers
            examples = ", ".join(cells[column] for cells in body[:3])
            raise UserError(
                f"{file}: column {column + 1} holds nothing but {kinds[column]} ({examples}); {_choice(kinds)}"
            )
    if has_header:
        _require_named_languages(file, first, columns, config)
    return Table(file, (columns[0], columns[1]), has_header, quoted)


def _rows(file: TextFile, quoted: bool) -> Iterator[Row]:
    """The rows that are not empty."""
    rows: Iterator[Row]
    lines = read_lines(file)
    if _is_csv(file):
        first = list(islice(lines, _DELIMITER_SAMPLE))
        rows = _csv_rows(file, chain(first, lines), _delimiter(first))
    elif quoted:
        rows = _csv_rows(file, lines, "\t")
    else:
        rows = ((number, [_unquoted(cell) for cell in line.split("\t")]) for number, line in enumerate(lines, 1))
    return ((number, cells) for number, cells in rows if any(cell.strip() for cell in cells))


def _csv_rows(file: TextFile, lines: Iterable[str], delimiter: str) -> Iterator[Row]:
    reader = csv.reader((f"{line}\n" for line in lines), delimiter=delimiter, strict=True)
    try:
        for cells in reader:
            yield reader.line_num, [cell.replace("\n", " ") for cell in cells]
    except csv.Error as error:
        raise UserError(f"{file}, line {reader.line_num}: {error}; a quotation mark in a cell is doubled") from None


def _is_csv(file: TextFile) -> bool:
    return file.name.lower().endswith((".csv", ".csv.gz"))


def _delimiter(lines: Sequence[str]) -> str:
    """The delimiter that gives all of these lines the same number of cells."""
    for delimiter in ",;\t":
        widths = {len(cells) for cells in csv.reader(lines, delimiter=delimiter) if cells}
        if len(widths) == 1 and widths.pop() > 1:
            return delimiter
    return ","


def _is_quoted(file: TextFile) -> bool:
    """Whether cells that are not numbers are in quotation marks; such cells may contain line ends."""
    lines = [line for line in islice(read_lines(file), _SAMPLE) if line.strip()]
    return sum(bool(_QUOTED_LINE.fullmatch(line)) for line in lines) > 0.9 * len(lines)


def _unquoted(cell: str) -> str:
    return cell[1:-1].replace('""', '"') if _QUOTING.fullmatch(cell) else cell


def kind_of_text(cells: Sequence[str]) -> str:
    """The kind of content of a column or a file: "text", or another kind."""
    cells = [cell.strip() for cell in cells if cell.strip()]
    if not cells:
        return "white space"
    if all(_NUMBER.fullmatch(cell) for cell in cells):
        return "numbers"
    if all(_ADDRESS.fullmatch(cell) for cell in cells):
        return "web addresses"
    if len(cells) > 2 and len(set(cells)) == 1 and is_language(language_code(cells[0])):
        return "codes of a language"
    return "text"


def _is_header(cells: Sequence[str], config: ParallelDataConfig) -> bool:
    """Whether a first row names its columns: all its words are known from headers or name languages."""
    ours = {language_code(config.source_language), language_code(config.target_language)}
    words = [word for cell in cells for word in _words(cell)]
    tells = any(_HEADER_WORD.fullmatch(word) or is_language_name(word) or language_code(word) in ours for word in words)
    # `no` and `it` are codes of languages, but also words.
    return tells and len(words) > 1 and all(_HEADER_WORD.fullmatch(word) or is_language(word) for word in words)


def _words(name: str) -> list[str]:
    return re.findall(r"[^\W\d_]+", name.casefold())


def _found_columns(header: Sequence[str], kinds: Sequence[str], config: ParallelDataConfig) -> list[int]:
    """Columns of source and target: those that the header names, else those of a known layout."""
    columns = [1, 3] if list(kinds[:4]) == TATOEBA else [0, 1]
    for i, (side, language) in enumerate(zip(SIDES, (config.source_language, config.target_language), strict=True)):
        names = [set(_words(name)) if kind == "text" else set() for name, kind in zip(header, kinds, strict=False)]
        of_side = [column for column, words in enumerate(names) if words & _OF_SIDE[side]]
        code = language_code(language)
        of_language = [column for column, words in enumerate(names) if code in map(language_code, words)]
        columns[i] = next(iter((*of_language, *of_side)), columns[i])
    return columns


def _asked_column(file: TextFile, key: str, name: str, first: Sequence[str]) -> int:
    if name.isdecimal() and 1 <= int(name) <= len(first):
        return int(name) - 1
    names = [cell.casefold() for cell in first]
    if name.strip().casefold() in names:
        return names.index(name.strip().casefold())
    shown = ", ".join(f"{number} {cell[:20]!r}" for number, cell in enumerate(first, 1))
    raise UserError(f"{key}: found {name!r}; the columns of {file} are {shown}")


def _choice(kinds: Sequence[str]) -> str:
    texts = [number for number, kind in enumerate(kinds, 1) if kind == "text"]
    example = f", such as data.source_column={texts[0]} data.target_column={texts[1]}" if len(texts) > 1 else ""
    return f"data.source_column and data.target_column choose others{example}"


def _require_named_languages(
    file: TextFile, header: Sequence[str], columns: Sequence[int], config: ParallelDataConfig
) -> None:
    for side, column, language in zip(SIDES, columns, (config.source_language, config.target_language), strict=True):
        named = {language_code(word) for word in _words(header[column]) if is_language_name(word)}
        if is_language(header[column]):
            named.add(language_code(header[column]))
        if named and language_code(language) not in named:
            raise UserError(
                f"data.{side}_language: found {language!r}; column {column + 1} of {file} is {header[column]!r}, "
                f"accepted is {min(named)}"
            )


def _too_narrow(file: TextFile, number: int, cells: Sequence[str], wanted: int) -> UserError:
    row = "\t".join(cells)[:40]
    if len(cells) > 1:
        return UserError(f"{file}, line {number}: {len(cells)} columns in {row!r}; column {wanted} is read")
    separator = "comma" if _is_csv(file) else "TAB"
    return UserError(
        f"{file}, line {number}: no {separator} in {row!r}; "
        f"accepted is source<{separator}>target[<{separator}>...] on every line"
    )
