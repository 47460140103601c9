"""Tables for people, as TSV files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from rnn_tasks.files import write_whole


def write_table(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> Path:
    """Write a TSV file; floats get 4 decimals, tabs and line breaks inside a cell become spaces.

    Args:
        path: where to.
        header: names of the columns.
        rows: each has one cell for each column.
    """
    lines = ["\t".join(map(_cell, row)) for row in (header, *rows)]
    return write_whole(path, "\n".join(lines) + "\n")


def read_table(path: Path) -> tuple[list[str], list[list[str]]]:
    """The header and the rows of a file from `write_table`, cells as text."""
    header, *rows = (line.split("\t") for line in path.read_text(encoding="utf-8").removesuffix("\n").split("\n"))
    return header, rows


def _cell(value: Any) -> str:
    return f"{value:.4f}" if isinstance(value, float) else " ".join(str(value).splitlines()).replace("\t", " ")
