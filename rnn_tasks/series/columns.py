"""The columns of a table: dates, targets, covariates, and values that are known ahead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pandas as pd

from rnn_tasks.errors import UserError
from rnn_tasks.series.config import NO_DATES, SeriesConfig, names_of
from rnn_tasks.series.dates import UNIX, UNIX_MS, DateFormat, possible_formats
from rnn_tasks.series.layout import NEARLY, Layout, is_nearly_number, is_number

_FOUND_BY_NAME = ("date", "time", "day", "month", "year", "period", "week", "quarter", "timestamp", "ds")


@dataclass(frozen=True)
class Columns:
    """Positions of columns.

    Attributes:
        dates: one column, or several whose cells are joined; empty for equally spaced steps.
        formats: possible formats of the dates; several if the order of day and month is unknown.
        targets, covariates: of numbers.
        known: numbers or categories.
        texts: those of `known` that are categories.
    """

    dates: Sequence[int]
    formats: Sequence[DateFormat]
    targets: Sequence[int]
    covariates: Sequence[int]
    known: Sequence[int]
    texts: Sequence[int] = field(default_factory=list)


@dataclass(frozen=True)
class Roles:
    """The columns of a table that a model was trained on, by name, or by number if the table had no header.

    Attributes:
        targets, covariates, known: of numbers.
        categories: known ahead, of text.
        has_header: whether the names were read.
    """

    targets: Sequence[str]
    covariates: Sequence[str]
    known: Sequence[str]
    categories: Sequence[str]
    has_header: bool

    @property
    def names(self) -> list[str]:
        """The names of all columns."""
        return [*self.targets, *self.covariates, *self.known, *self.categories]


def find_columns(layout: Layout, config: SeriesConfig, roles: Roles | None = None) -> Columns:
    """The columns that the config names, and those that can be found automatically.

    Args:
        layout: of the table.
        config: which columns.
        roles: of the training data's columns, in place of the config's.

    Raises:
        UserError: no such column, no dates, no numbers.
    """
    dates, formats = _dates(layout, config)
    missing = frozenset(names_of(config.missing_values))

    def positions(text: str | Sequence[str], key: str) -> list[int]:
        if isinstance(text, str):
            text = [text.strip()] if text.strip() in layout.columns else names_of(text)
        found = [layout.position(name, key) for name in text]
        if both := [layout.columns[i] for i in found if i in dates]:
            raise UserError(f"{key}: {both[0]!r} of {layout.name} is the column of dates")
        return found

    if roles:
        texts = positions(roles.categories, "data.known")
        return Columns(
            dates,
            formats,
            positions(roles.targets, "data.targets"),
            positions(roles.covariates, "data.covariates"),
            positions(roles.known, "data.known") + texts,
            texts,
        )
    covariates = positions(config.covariates, "data.covariates")
    known = positions(config.known, "data.known")
    targets = positions(config.targets, "data.targets")
    taken = {*dates, *covariates, *known}
    if not targets:
        numeric = [i for i in range(len(layout.columns)) if i not in taken]
        ways = is_number, is_nearly_number
        targets = [i for i in numeric if any(way(layout.cells(i), layout.style, missing) for way in ways)]
        if not targets:
            raise UserError(f"data.targets: {layout.name} has no column of numbers besides the dates; accepted is one")
    texts = [i for i in known if not is_number(layout.cells(i), layout.style, missing)]
    return Columns(dates, formats, targets, covariates, known, texts)


def _dates(layout: Layout, config: SeriesConfig) -> tuple[list[int], list[DateFormat]]:
    if config.date_column.strip() == NO_DATES:
        return [], []
    order = config.date_order
    if config.date_column.strip():
        text = config.date_column.strip()
        names = [text] if text in layout.columns else names_of(text)
        chosen = [layout.position(name, "data.date_column") for name in names]
        cells = joined([layout.cells(i) for i in chosen])
        formats = possible_formats([cell for cell in cells if cell.strip()], order)
        if not formats:
            formats = _formats_of_most(layout, chosen, cells, order)
        return chosen, formats
    found = []
    for i, column in enumerate(layout.columns):
        cells = [cell for cell in layout.cells(i) if cell]
        formats = possible_formats(cells, order) or (_nearly(cells, order) if _named_like_dates(column) else [])
        if formats:
            found.append((_rank(layout, i, cells, formats), [i], formats))
    if len(layout.columns) > 2:
        years = joined([layout.cells(i) for i in (0, 1)])
        if all(len(cell.split(" ")[0]) == 4 for cell in years) and (formats := possible_formats(years)):
            found.append((1, [0, 1], formats))
    if not found:
        raise UserError(
            f"data.date_column: {layout.name} has no column of dates (columns: {', '.join(layout.columns)}); accepted "
            f"is a column's name, or none where rows are equally spaced steps"
        )
    _, chosen, formats = min(found, key=lambda one: one[0])
    return chosen, formats


def joined(columns: Sequence[Sequence[str]]) -> list[str]:
    """The cells of several columns, row by row, with a space between."""
    return [" ".join(cells).strip() for cells in zip(*columns, strict=True)]


def _rank(layout: Layout, position: int, cells: list[str], formats: list[DateFormat]) -> int:
    """Low for a likely column of dates: cells in a date format, each once; plain digits may mean anything."""
    digits = all(cell.isdigit() for cell in cells)
    rising = len(set(cells)) > 0.9 * len(cells)
    named = _named_like_dates(layout.columns[position])
    if digits and not (rising and (named or formats[0].format in (UNIX, UNIX_MS) or not layout.has_header)):
        return 9
    return (0 if rising else 2) + (0 if named or not digits else 1)


def _named_like_dates(column: str) -> bool:
    return any(word in column.lower() for word in _FOUND_BY_NAME)


def _nearly(cells: list[str], order: str) -> list[DateFormat]:
    """The formats of the first cells, if a later cell is not a date and must be reported."""
    for count in (len(cells) // 2, 5, 1):
        if formats := possible_formats(cells[:count], order):
            wrong = int(sum(formats[0].parse(pd.Series(cells, dtype=str)).astype("int64") < -(1 << 62)))
            if wrong <= max(1, NEARLY * len(cells)):
                return formats
    return []


def _formats_of_most(layout: Layout, chosen: list[int], cells: list[str], order: str) -> list[DateFormat]:
    filled = [cell for cell in cells if cell.strip()]
    if formats := _nearly(filled, order):
        return formats
    name = ", ".join(layout.columns[i] for i in chosen)
    found = repr(filled[0]) if filled else "empty cells"
    raise UserError(
        f"{layout.name}, line {layout.skipped + 1}, column {name}: {found} is no date; accepted are 2001-12-31, "
        f"12/31/2001, 31.12.2001 and their like"
    )
