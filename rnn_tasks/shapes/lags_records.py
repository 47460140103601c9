"""What a user asks about long lags: rows of pairs of numbers, or strings of symbols."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from rnn_tasks.errors import UserError
from rnn_tasks.records import Line, NumberRecords
from rnn_tasks.synthetic.long_lags import Problem

MARKERS = (-1, 0, 1)


def read_sequences(problem: Problem, lines: Sequence[Line]) -> tuple[list[Any], UserError | None]:
    """What a model of the problem reads: pairs (time, 2) or a string for each line, None for an empty one.

    Returns:
        What was read before the first wrong line, and the error of that line.
    """
    found: list[Any] = []
    for line in lines:
        try:
            found.append((_symbols if problem.symbols else _pairs)(problem, line) if line.text else None)
        except UserError as error:
            return found, error
    return found, None


def copied_lines(answers: Mapping[str, Any]) -> Iterator[str]:
    """Symbols at every step as one string a sequence."""
    for row, length in zip(np.asarray(answers["class"]), np.asarray(answers["lengths"]), strict=True):
        yield b"".join(row[:length]).decode()


def _pairs(problem: Problem, line: Line) -> np.ndarray:
    numbers = NumberRecords(good=()).parse(*line)
    if len(numbers) % 2:
        raise UserError(f"{line.where}: found {len(numbers)} numbers; accepted are pairs of a value and its marker")
    pairs = numbers.reshape(-1, 2)
    for number, marker in enumerate(pairs[:, 1], 1):
        if marker not in MARKERS:
            raise UserError(f"{line.where}, pair {number}: found the marker {marker:g}; accepted are -1, 0 and 1")
    return pairs


def _symbols(problem: Problem, line: Line) -> str:
    for place, symbol in enumerate(line.text, 1):
        if symbol not in problem.symbols:
            accepted = " ".join(problem.symbols)
            raise UserError(f"{line.where}: found {symbol!r} at place {place}; {problem.name} accepts {accepted}")
    return line.text
