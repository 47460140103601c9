"""A CSV table as arrays of numbers with their dates, read part by part so that memory stays bounded."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from rnn_tasks import activity
from rnn_tasks.errors import UserError
from rnn_tasks.series.columns import Columns, Roles, find_columns
from rnn_tasks.series.config import SeriesConfig, names_of
from rnn_tasks.series.dates import DAY_FIRST, DateFormat, most_regular
from rnn_tasks.series.layout import Layout, Opener, find_layout, reading
from rnn_tasks.series.numbers import to_numbers

logger = logging.getLogger(__name__)

CELLS = 600_000  # read at once
LONGEST = 60  # characters of a cell that an error quotes


@dataclass
class Rows:
    """The rows of a table, in its own order.

    Attributes:
        name: of the table, for errors.
        dates: (rows,) datetime64[s], or None if rows are equally spaced steps.
        lines: (rows,) the line number of each row, for errors.
        numbers: (rows, columns) float64, NaN where missing; targets first, then covariates, then known numbers.
        targets, covariates, known: names of these columns.
        has_header: whether the names were read.
        texts: name -> (rows,) text, for columns known ahead that are not numbers.
        said: facts found about the table, for people.
    """

    name: str
    dates: np.ndarray | None
    lines: np.ndarray
    numbers: np.ndarray
    targets: list[str]
    covariates: list[str]
    known: list[str]
    has_header: bool
    texts: dict[str, np.ndarray]
    said: dict[str, str]


def read_rows(open_text: Opener, name: str, config: SeriesConfig, roles: Roles | None = None) -> Rows:
    """A table's columns of dates and numbers.

    Args:
        open_text: opens the table, once to look and once to read.
        name: of the table, for errors.
        config: which columns, and their formats.
        roles: of the training data's columns, in place of the config's.

    Raises:
        UserError: a cell is not a date or not a number; names line and column.
    """
    layout = find_layout(open_text, name, config.decimal, roles.names if roles and roles.has_header else ())
    columns = find_columns(layout, config, roles)
    missing = names_of(config.missing_values)
    numeric = [i for i in (*columns.targets, *columns.covariates, *columns.known) if i not in columns.texts]
    dates = _Dates(columns.formats, layout, columns.dates)
    numbers: list[np.ndarray] = []
    texts: dict[int, list[np.ndarray]] = {i: [] for i in columns.texts}
    lines: list[np.ndarray] = []
    for part in activity.each("part of the table", _parts(open_text, layout, columns)):
        first = layout.skipped + 1
        if columns.dates:
            dates.add(_joined(part, columns.dates), part.index.to_numpy() + first)
        block = np.empty((len(part), len(numeric)))
        for place, column in enumerate(numeric):
            block[:, place], wrong = to_numbers(part[column], layout.style, missing)
            if wrong >= 0:
                where = f"{name}, line {part.index[wrong] + first}, column {layout.columns[column]}"
                found = part[column].iloc[wrong].strip()[:LONGEST]
                raise UserError(
                    f"{where}: {found!r} is no number; accepted is one (thousands in groups of three), or an empty "
                    "cell where it is missing (data.missing_values has what else stands for that)"
                )
        numbers.append(block)
        for column in columns.texts:
            texts[column].append(part[column].str.strip().to_numpy(object))
        lines.append(part.index.to_numpy(np.int32) + np.int32(first))
    if not numbers:
        raise UserError(f"{name}: no rows; accepted is a table with a row a step")
    known = [layout.columns[i] for i in columns.known if i not in columns.texts]
    chosen, parsed = dates.chosen()
    rows = Rows(
        name=name,
        dates=parsed,
        lines=np.concatenate(lines),
        numbers=_concatenated(numbers),
        targets=[layout.columns[i] for i in columns.targets],
        covariates=[layout.columns[i] for i in columns.covariates],
        known=known,
        has_header=layout.has_header,
        texts={layout.columns[i]: np.concatenate(parts) for i, parts in texts.items()},
        said={
            "separator": {"\t": "tab"}.get(layout.delimiter, layout.delimiter),
            "decimal mark": layout.style.decimal,
            "dates": f"{', '.join(layout.columns[i] for i in columns.dates)}: {chosen}" if chosen else "none",
        },
    )
    logger.info("%s: %s", name, "; ".join(f"{what} {found}" for what, found in rows.said.items()))
    return rows


class _Dates:
    """Reads a column of dates in all its possible formats, until only one format is left."""

    def __init__(self, formats: Sequence[DateFormat], layout: Layout, columns: Sequence[int]):
        self.layout, self.columns = layout, columns
        self.parts: dict[DateFormat, list[np.ndarray]] = {one: [] for one in formats}

    def add(self, cells: pd.Series, lines: np.ndarray) -> None:
        wrong = {}
        for one, parts in self.parts.items():
            parsed = one.parse(cells)
            if np.isnat(parsed).any():
                wrong[one] = int(np.flatnonzero(np.isnat(parsed))[0])
            parts.append(parsed)
        if len(wrong) == len(self.parts):
            one, row = max(wrong.items(), key=lambda item: item[1])
            column = ", ".join(self.layout.columns[i] for i in self.columns)
            found = cells.iloc[row].strip()[:LONGEST]
            raise UserError(
                f"{self.layout.name}, line {lines[row]}, column {column}: {found!r} is no date; accepted are "
                f"dates as in the rows before, {one}"
            )
        for one in wrong:
            del self.parts[one]

    def chosen(self) -> tuple[DateFormat | None, np.ndarray | None]:
        if not self.columns:
            return None, None
        read = {one: np.concatenate(parts) for one, parts in self.parts.items()}
        best: int | None = 0
        if len(read) > 1:
            best = most_regular(list(read.values()))
        if best is None and all("." in one.format for one in read):
            best = [one.order for one in read].index(DAY_FIRST)  # nobody writes 12.31.2001
        if best is None:
            raise UserError(
                f"data.date_order: the dates of {self.layout.name} can be read as "
                f"{' or as '.join(map(str, read))}; accepted are month_first and day_first"
            )
        return list(read.items())[best]


def _parts(open_text: Opener, layout: Layout, columns: Columns):
    """Frames of text, columns by position, the rows by their number from 0; empty rows left out."""
    used = sorted({*columns.dates, *columns.targets, *columns.covariates, *columns.known})
    width = len(layout.columns)
    with reading(layout.name), open_text() as file:
        try:
            frames = pd.read_csv(
                file,
                sep=layout.delimiter,
                header=None,
                names=range(width + 1),  # the last for nothing, but for a separator at the end of a line
                skiprows=layout.skipped,
                dtype=str,
                na_filter=False,
                skip_blank_lines=False,
                skipinitialspace=True,
                index_col=False,
                chunksize=max(1_000, CELLS // (width + 1)),
            )
            for frame in frames:
                rest = frame[width].fillna("").str.strip() != ""
                if rest.any():
                    line = int(frame.index[rest][0]) + layout.skipped + 1
                    raise UserError(
                        f"{layout.name}, line {line}: more than {width} cells; accepted are {width}, as above"
                    )
                frame = frame[used].fillna("")
                empty = np.ones(len(frame), bool)
                for column in used:
                    empty &= (frame[column].str.strip() == "").to_numpy()
                yield frame[~empty] if empty.any() else frame
        except pd.errors.ParserError as error:
            said = " ".join(str(error).split())
            if found := re.search(r"in line (\d+), saw (\d+)", said):
                said = f"line {found[1]}: found {found[2]} cells; accepted are {width}"
            elif found := re.search(r"EOF inside string starting at row (\d+)", said):
                said = f"line {int(found[1]) + 1}: a quote that is not closed; accepted is a CSV table"
            raise UserError(f"{layout.name}, {said}") from None
        except pd.errors.EmptyDataError:
            return


def _joined(part: pd.DataFrame, columns: Sequence[int]) -> pd.Series:
    cells = part[columns[0]].str.strip()
    for column in columns[1:]:
        cells = cells + " " + part[column].str.strip()
    return cells


def _concatenated(blocks: list[np.ndarray]) -> np.ndarray:
    """Concatenate blocks; the memory of each block is freed as soon as it is copied."""
    whole = np.empty((sum(len(block) for block in blocks), blocks[0].shape[1]))
    end = len(whole)
    while blocks:
        block = blocks.pop()
        whole[end - len(block) : end] = block
        end -= len(block)
    return whole
