"""Numbers as people write them in tables: 1,234.5 and 1.234,5, quoted, with spaces or apostrophes between thousands."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

SPACES = r"\s\u00a0\u202f'’"  # what may stand between thousands
NOISE = re.compile(f"[{SPACES}]")
POINT_GROUPS = re.compile(r"[+-]?\d{1,3}(\.\d{3})+$")
COMMA_GROUPS = re.compile(r"[+-]?\d{1,3}(,\d{3})+$")


class Style(NamedTuple):
    """How numbers are written: the decimal mark; the other one of `.` and `,` separates thousands."""

    decimal: str = "."

    @property
    def thousands(self) -> str:
        return "," if self.decimal == "." else "."


def find_style(cells: Iterable[str], delimiter: str) -> Style:
    """The style of a file's numbers.

    Args:
        cells: some of its cells, text among them.
        delimiter: between columns. If a comma could have either meaning, it is a decimal comma unless it is the
            delimiter.
    """
    point = comma = undecided = 0
    for cell in cells:
        number = NOISE.sub("", cell)
        if not re.fullmatch(r"[+-]?[\d.,]*\d[\d.,]*([eE][+-]?\d+)?", number) or not re.search("[.,]", number):
            continue
        last = max(number.rfind("."), number.rfind(","))
        if "." in number and "," in number:
            point, comma = point + (number[last] == "."), comma + (number[last] == ",")
        elif number.count(",") > 1:
            point += 1
        elif number.count(".") > 1:
            comma += 1
        elif "," in number:
            sure = not COMMA_GROUPS.fullmatch(number)
            comma, undecided = comma + sure, undecided + (not sure)
        elif not POINT_GROUPS.fullmatch(number):
            point += 1
    if comma != point:
        return Style("," if comma > point else ".")
    return Style("," if undecided and delimiter != "," else ".")


def to_numbers(cells: pd.Series | Sequence[str], style: Style, missing: Collection[str]) -> tuple[np.ndarray, int]:
    """Cells as numbers.

    Args:
        cells: (rows,) of text.
        style: of the numbers.
        missing: texts that stand for a missing value; an empty cell does, too.

    Returns:
        (rows,) float64, NaN where a value is missing; and the row of the first cell that is not a number, else -1.
    """
    text = pd.Series(cells, dtype=str).fillna("")
    numbers = _plain(text, style)
    unsure = np.flatnonzero(~np.isfinite(numbers))
    if not len(unsure):
        return numbers, -1
    rest = text.iloc[unsure].str.strip()
    absent = (rest == "") | rest.isin(list(missing))
    numbers[unsure] = np.nan
    between = f"[{SPACES}{style.thousands}]"
    grouped = rest.str.contains(rf"\d{between}|{re.escape(style.thousands)}")
    thousands = rest.str.fullmatch(rf"[+-]?\s?\d{{1,3}}({between}\d{{3}})+({re.escape(style.decimal)}\d*)?")
    cleaned = rest.where(~grouped | thousands, "").str.replace(f"[{SPACES}{style.thousands}]", "", regex=True)
    again = _plain(cleaned.str.replace(style.decimal, ".", regex=False), Style("."))
    numbers[unsure] = np.where(absent, np.nan, again)
    wrong = unsure[~np.isfinite(again) & ~absent.to_numpy()]
    return numbers, int(wrong[0]) if len(wrong) else -1


def _plain(text: pd.Series, style: Style) -> np.ndarray:
    """The numbers in the form that programs write; NaN for other cells, and if `.` separates thousands."""
    numbers = pd.to_numeric(text, errors="coerce").to_numpy(np.float64, copy=True)
    if style.decimal == ",":
        numbers[text.str.contains(".", regex=False).to_numpy()] = np.nan
    return numbers
